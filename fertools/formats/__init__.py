"""Readers of the licensed data sets, one file each."""
