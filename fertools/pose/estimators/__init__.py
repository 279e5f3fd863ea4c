"""The estimators: each module registers one; see :mod:`fertools.pose.registry`."""
