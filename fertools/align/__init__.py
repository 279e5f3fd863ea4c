"""Faces found, turned upright and cut out: five points onto a template."""
