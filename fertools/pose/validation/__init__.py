"""Estimators of head pose against samples whose pose is known: renders, or a set's own."""
