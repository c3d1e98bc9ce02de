"""Data in: one loader a file, one line in `load.LOADERS`."""
