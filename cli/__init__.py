"""The command lines ``fertools`` and ``zoo``."""
