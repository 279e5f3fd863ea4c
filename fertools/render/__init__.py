"""Scans to pictures: views, camera, the software renderer, and the job over a whole data set."""
