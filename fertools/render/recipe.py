"""How a multi-view set is made: the options that stand in its manifest, its locks, render.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fertools.config import build_config, read_yaml
from fertools.errors import ConfigError
from fertools.formats.bu3dfe import Mesh, MissingTexture
from fertools.render.backends import Look
from fertools.render.camera import Camera
from fertools.render.pictures import ImageFormat
from fertools.render.views import P1, P2, Turning, ViewSet

__all__ = [
    "DEPENDENT_OPTIONS",
    "LAYERS",
    "WINDOWS_MM",
    "Layer",
    "RenderConfig",
    "changed_inputs",
    "read_recipe",
]

Layer = Literal["depth", "normals", "mask"]
LAYERS: tuple[Layer, ...] = ("depth", "normals", "mask")

WINDOWS_MM: dict[Mesh, float] = {"F3D": 220.0, "RAW": 330.0}
"""What a picture spans unless the user says otherwise: the whole mesh, from every view."""

DEPENDENT_OPTIONS = {
    "projection": ("distance_mm",),
    "image_format": ("jpeg_quality",),
    "light": ("light_yaw_deg", "light_pitch_deg", "ambient"),
    "mesh": ("window_mm",),
    "window_mm": ("fit_margin",),
    "fit_margin": ("window_mm",),
}
"""Options that mean something only by another one, and are to be chosen anew with it."""

_MAX_RECIPE_BYTES = 20_000_000
_DISTANCE_MM, _JPEG_QUALITY, _AMBIENT = 1000.0, 95, 0.3

_Byte = Annotated[int, Field(ge=0, le=255)]


class RenderConfig(BaseModel):
    """How the pictures are made.

    Attributes:
        views: From where each scan is drawn.
        turning: What the angles of the views mean.
        with_neutral: Whether the neutral scans are drawn as well, outside the published counts.
        mesh: ``F3D`` (the cropped face) or ``RAW`` (the whole head).
        frontalise: Turn each scan by its landmarks so that it looks ahead, before anything else.
        image_size: Width and height in pixels.
        window_mm: What a picture spans in the plane of the scan's centre; the same for all. Else
            that of :data:`WINDOWS_MM`; None where it is fitted.
        fit_margin: Instead lay the window about the face in every view, with this border.
        projection: ``orthographic``, or ``perspective`` from ``distance_mm``.
        distance_mm: From the eye to the scan's centre.
        light: ``unlit`` or ``lambert``.
        light_yaw_deg: Where Lambert's light stands, positive to the image's right.
        light_pitch_deg: Positive above.
        ambient: Share of the light that falls everywhere.
        background: RGB.
        supersample: Samples a pixel along each axis.
        image_format: ``png`` or ``jpeg``.
        jpeg_quality: 1 to 100; null for PNG.
        layers: What else is written of every view.
        missing_texture: What a scan without a picture comes to.
        backend: Who draws.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    views: ViewSet = P1
    turning: Turning = Turning()
    with_neutral: bool = False
    mesh: Mesh = "F3D"
    frontalise: bool = False
    image_size: int = Field(default=224, ge=8, le=4096)
    window_mm: float | None = Field(default=None, ge=1, le=2000, allow_inf_nan=False)
    fit_margin: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    projection: Literal["orthographic", "perspective"] = "orthographic"
    distance_mm: float | None = Field(default=None, ge=50, le=100_000, allow_inf_nan=False)
    light: Literal["unlit", "lambert"] = "unlit"
    light_yaw_deg: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    light_pitch_deg: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    ambient: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    background: tuple[_Byte, _Byte, _Byte] = (0, 0, 0)
    supersample: int = Field(default=2, ge=1, le=3)
    image_format: ImageFormat = "png"
    jpeg_quality: int | None = Field(default=None, ge=1, le=100)
    layers: tuple[Layer, ...] = ()
    missing_texture: MissingTexture = "error"
    backend: Literal["software", "pyrender"] = "software"

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: Any) -> Any:
        """Fill in what another option calls for, so that equal renders have equal options."""
        if not isinstance(values, dict):
            return values
        values = {name: value for name, value in values.items() if value is not None}
        if values.get("projection") == "perspective":
            values.setdefault("distance_mm", _DISTANCE_MM)
        if values.get("image_format") == "jpeg":
            values.setdefault("jpeg_quality", _JPEG_QUALITY)
        if values.get("light") == "lambert":
            values = {"light_yaw_deg": 0.0, "light_pitch_deg": 0.0, "ambient": _AMBIENT, **values}
        if "fit_margin" not in values:
            values.setdefault(
                "window_mm", WINDOWS_MM["RAW" if values.get("mesh") == "RAW" else "F3D"]
            )
        return values

    @model_validator(mode="after")
    def _consistent(self) -> RenderConfig:
        published = {P1.name: P1, P2.name: P2}.get(self.views.name, self.views)
        if self.views != published:
            raise ValueError(
                f"views: {self.views.name!r} is the name of a published set; rename it"
            )
        if self.distance_mm is not None and self.projection == "orthographic":
            raise ValueError("distance_mm: only a perspective projection has a distance")
        if self.jpeg_quality is not None and self.image_format == "png":
            raise ValueError("jpeg_quality: only JPEG has a quality")
        if self.light == "unlit":
            for name in DEPENDENT_OPTIONS["light"]:
                if getattr(self, name) is not None:
                    raise ValueError(f"{name}: only light 'lambert' comes from somewhere")
        if self.fit_margin is not None and self.window_mm is not None:
            raise ValueError("fit_margin and window_mm: a window is fitted or fixed; give one")
        if self.frontalise and self.mesh == "RAW":
            raise ValueError("frontalise: needs the 83 landmarks of F3D; RAW has only 8 points")
        if len(set(self.layers)) != len(self.layers):
            raise ValueError("layers: one is named twice")
        return self

    @property
    def camera(self) -> Camera:
        """The camera of all views."""
        return Camera(self.image_size, self.window_mm or WINDOWS_MM[self.mesh], self.distance_mm)

    @property
    def look(self) -> Look:
        """Light, background and anti-aliasing."""
        return Look(
            light=self.light,
            light_yaw_deg=self.light_yaw_deg or 0.0,
            light_pitch_deg=self.light_pitch_deg or 0.0,
            ambient=_AMBIENT if self.ambient is None else self.ambient,
            background=self.background,
            supersample=self.supersample,
        )

    @property
    def intensities(self) -> tuple[int | None, ...]:
        """Which scans are drawn, None for the neutral ones."""
        return (*self.views.intensities, *((None,) if self.with_neutral else ()))


def read_recipe(path: Path) -> dict[str, Any]:
    """The options of an earlier render, to do another one like it.

    Args:
        path: Its ``render.yaml``, or a YAML file with such options alone.

    Returns:
        Values for :class:`RenderConfig`, already checked.

    Raises:
        ConfigError: If it is missing, no such file, or names an option that there is not.
    """
    values = read_yaml(path, max_bytes=_MAX_RECIPE_BYTES)
    options = values.get("config", values)
    if not isinstance(options, dict):
        raise ConfigError(f"{path}: 'config': expected options, found {type(options).__name__}")
    return build_config(RenderConfig, options, source=str(path)).model_dump(exclude_unset=True)


def changed_inputs(before: Path, now: Path) -> list[str] | None:
    """Which files two renders were not both made from, by the digests in their ``render.yaml``.

    Returns:
        Paths below the data set, sorted; None if the first one tells no digests.

    Raises:
        ConfigError: If one of them cannot be read.
    """
    first, second = (
        read_yaml(path, max_bytes=_MAX_RECIPE_BYTES).get("inputs") for path in (before, now)
    )
    if not isinstance(first, dict) or not isinstance(second, dict):
        return None
    return sorted(n for n in {*first, *second} if first.get(n) != second.get(n))
