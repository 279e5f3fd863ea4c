"""Dataset preparation, protocols and measures for pose-invariant facial expression recognition."""

__version__ = "0.1.0"

__all__ = ["__version__"]
