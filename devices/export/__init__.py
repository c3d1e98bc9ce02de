"""From an artifact to a folder that is ready for a device: one target, one folder of templates."""
