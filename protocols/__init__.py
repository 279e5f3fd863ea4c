"""Declared protocols, one YAML each; data only, read by :mod:`fertools.protocols`."""
