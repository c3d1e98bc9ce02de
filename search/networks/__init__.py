"""A user's own trained networks: read without running anything of theirs."""
