"""The ways of drawing a scan: one file each, found by name.

A backend colours pictures and does nothing else. Landmarks, their visibility, depth, normals and
masks are geometry and come from :mod:`fertools.render.geometry_layers`, whichever backend draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from fertools.errors import ConfigError
from fertools.geometry import FloatArray
from fertools.mesh import FaceScan
from fertools.render.camera import Camera

__all__ = ["BACKENDS", "Backend", "Look", "get_backend", "register_backend"]

BACKENDS = ("software", "pyrender")
"""Names, each that of its module in this folder."""


@dataclass(frozen=True)
class Look:
    """What colours a picture beside the scan's texture.

    Attributes:
        light: ``unlit`` shows the texture as it is; ``lambert`` multiplies it with the light.
        light_yaw_deg: Where the distant light stands, in camera coordinates: 0 is behind the
            viewer, positive to the image's right.
        light_pitch_deg: Positive above.
        ambient: Light that falls everywhere, in [0, 1]; the distant one gives the rest.
        background: RGB where there is no face.
        supersample: Samples a pixel along each axis, 1 to 3; their mean is the pixel.
    """

    light: Literal["unlit", "lambert"] = "unlit"
    light_yaw_deg: float = 0.0
    light_pitch_deg: float = 0.0
    ambient: float = 0.3
    background: tuple[int, int, int] = (0, 0, 0)
    supersample: int = 2


class Backend(Protocol):
    """Draws one scan from several views."""

    def __call__(
        self,
        scan: FaceScan,
        rotations: Sequence[FloatArray],
        cameras: Sequence[Camera],
        look: Look,
        *,
        centre: FloatArray,
    ) -> npt.NDArray[np.uint8]:
        """Draw the views.

        Args:
            scan: The face.
            rotations: One a view, shape ``(3, 3)``, head to camera coordinates.
            cameras: One a view, all with the same ``image_size``.
            look: Light, background and anti-aliasing.
            centre: Shape ``(3,)``, the point that the head turns about, in the scan's frame.

        Returns:
            Shape ``(N, S, S, 3)``, uint8 RGB.
        """
        ...


_BackendT = TypeVar("_BackendT", bound=Backend)
_REGISTERED: dict[str, Backend] = {}


def register_backend(name: str) -> Callable[[_BackendT], _BackendT]:
    """Make a function the backend of a name.

    Raises:
        ValueError: If the name is taken, or not in :data:`BACKENDS`.
    """

    def register(draw: _BackendT) -> _BackendT:
        if name in _REGISTERED or name not in BACKENDS:
            raise ValueError(f"render backend {name!r} is registered already or not in BACKENDS")
        _REGISTERED[name] = draw
        return draw

    return register


def get_backend(name: str) -> Backend:
    """The backend of a name; its module, and with it its libraries, is imported now.

    Raises:
        ConfigError: If there is no such backend.
        MissingExtraError: If a library of the backend is not installed.
    """
    if name not in BACKENDS:
        raise ConfigError(f"unknown render backend {name!r}; expected {' or '.join(BACKENDS)}")
    if name not in _REGISTERED:
        import_module(f"fertools.render.{name}")
    return _REGISTERED[name]
