"""One textured 3D face: its mesh, texture and landmarks, as files and as values."""

from fertools.mesh.landmarks import BND_COUNT, BndLandmarks, read_bnd, read_pse
from fertools.mesh.scan import FaceScan, read_texture
from fertools.mesh.vrml import VrmlMesh, read_vrml

__all__ = [
    "BND_COUNT",
    "BndLandmarks",
    "FaceScan",
    "VrmlMesh",
    "read_bnd",
    "read_pse",
    "read_texture",
    "read_vrml",
]
