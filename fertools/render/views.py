"""The views of the two multi-view protocols of BU-3DFE.

A view is a nominal pan (turn about the vertical) and tilt (nod). The head is tilted first, in its
own frame, and then panned: ``R = R_y(pan) @ R_x(-tilt)``, so pan is the yaw and tilt the pitch of
the resulting pose exactly. Positive pan moves the nose to the image's right, positive tilt moves it
up. The published protocols do not say which way P1 turns; ours turns to the right.

Reference:
    P1: Moore and Bowden, "Local binary patterns for multi-view facial expression recognition", CVIU
    115(4), 2011. P2: Zheng, Tang, Lin and Huang, "A novel approach to expression recognition from
    non-frontal face images", ICCV 2009, and Tariq, Yang and Huang, 2012. Counts in Liu et al.,
    CMES 139(1), 2024, section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from fertools.geometry import FloatArray, rotation_from_angles

__all__ = ["VIEW_SETS", "View", "ViewSet"]


@dataclass(frozen=True)
class View:
    """One nominal view.

    Attributes:
        view_id: Its name in manifests and file names.
        pan_deg: Turn about the vertical axis.
        tilt_deg: Nod.
    """

    view_id: str
    pan_deg: float
    tilt_deg: float

    @property
    def rotation(self) -> FloatArray:
        """Head to camera coordinates, shape ``(3, 3)``."""
        return rotation_from_angles(self.pan_deg, self.tilt_deg)


@dataclass(frozen=True)
class ViewSet:
    """The views and scans of one protocol.

    Attributes:
        name: ``p1`` or ``p2``.
        views: In order.
        intensities: Which of BU-3DFE's four levels are rendered.
        expected_samples: The published number of pictures, of 100 subjects and six expressions.
    """

    name: str
    views: tuple[View, ...]
    intensities: tuple[int, ...]
    expected_samples: int


def _p1() -> ViewSet:
    views = tuple(View(f"yaw{yaw:02d}", float(yaw), 0.0) for yaw in (0, 30, 45, 60, 90))
    return ViewSet("p1", views, (1, 2, 3, 4), expected_samples=12_000)


def _p2() -> ViewSet:
    views = tuple(
        View(f"pan{pan:+03d}_tilt{tilt:+03d}", float(pan), float(tilt))
        for pan in range(-45, 46, 15)
        for tilt in range(-30, 31, 15)
    )
    return ViewSet("p2", views, (4,), expected_samples=21_000)


VIEW_SETS = {view_set.name: view_set for view_set in (_p1(), _p2())}
"""Name to views."""
