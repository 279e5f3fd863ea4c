"""Pictures rendered from BU-3DFE by any program, by the names of the files.

A name begins as BU-3DFE's own do (``F0001_AN01WH_F3D``; ethnicity and mesh may be absent) and ends
with the view. Our own views (``yaw30``, ``pan+30_tilt-15``) and the set's frontal pictures
(``F2D``) are known; for other programs' names the user gives a pattern. Folders that
``fertools render-bu3dfe`` filled have records and are put together by
:func:`fertools.render.merge.merge_rendered` instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from fertools.errors import DatasetError
from fertools.expressions import BU3DFE_CODES
from fertools.formats.bu3dfe_files import SEXES, SUBJECTS
from fertools.formats.folders import FolderFile, walk
from fertools.formats.registry import (
    Fault,
    Note,
    Opened,
    PublishedCount,
    Row,
    Sample,
    register_dataset,
)
from fertools.pictures import PICTURE_SUFFIXES

__all__ = ["RenderedOptions", "open_bu3dfe_rendered"]

_FLAGS = re.IGNORECASE | re.ASCII
_START = re.compile(
    rf"(?P<subject>[FM]\d{{4}})_(?P<code>{'|'.join(BU3DFE_CODES)})(?P<level>0[0-4])"
    r"(?P<ethnicity>WH|BL|LA|AE|AM|IN)?(?:_(?P<kind>F2D|F3D|RAW))?(?:_(?P<view>.+))?",
    _FLAGS,
)
_NEARLY = re.compile(r"[FM]\d{2,5}_", _FLAGS)
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_OUR_VIEWS = re.compile(
    rf"yaw(?P<yaw>{_NUMBER})|pan(?P<pan>{_NUMBER})_tilt(?P<tilt>{_NUMBER})(?:_roll{_NUMBER})?"
)
_GROUPS = ("yaw", "pan", "tilt")
_SHOWN = 5


class RenderedOptions(BaseModel):
    """How the names of rendered pictures are read.

    Attributes:
        view_pattern: Regular expression of a name's end, with groups ``yaw``, or ``pan`` and
            ``tilt``, in degrees; None reads our own names.
        yaw_sign: 1 where positive angles point the nose to the image's right, -1 to its left.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    view_pattern: str | None = None
    yaw_sign: Literal[1, -1] = 1

    @field_validator("view_pattern")
    @classmethod
    def _usable(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if not {"yaw", "pan"} & set(groups) or not set(groups) <= set(_GROUPS):
            raise ValueError("needs a group (?P<yaw>…), or (?P<pan>…) and (?P<tilt>…)")
        return value


@dataclass(frozen=True)
class _View:
    """A view by its name."""

    view_id: str
    pan: float
    tilt: float


def _counts(_: RenderedOptions) -> tuple[PublishedCount, ...]:
    """100 subjects; scans with and without neutral, at all levels or the strongest alone."""
    source = "the 2,500 scans of BU-3DFE"
    return (
        PublishedCount("subjects", {}, (100,), source, distinct="subject_id"),
        PublishedCount("scans", {}, (2500, 2400, 700, 600), source, distinct="scan_id"),
    )


@register_dataset(
    name="bu3dfe-rendered",
    title="Pictures rendered from BU-3DFE",
    reference="Yin, Wei, Sun, Wang and Rosato, FG 2006",
    licence="licence from Binghamton University",
    expressions=tuple(sorted(BU3DFE_CODES.values())),
    options=RenderedOptions,
    counts=_counts,
)
def open_bu3dfe_rendered(root: Path, options: RenderedOptions) -> Opened:
    """Find the pictures below ``root``; see :mod:`fertools.formats.bu3dfe_rendered`.

    Raises:
        DatasetError: If no picture's name begins as BU-3DFE's do.
    """
    rows = list(_read(root, options))
    if not any(isinstance(row, Sample) for row in rows):
        first = next((f"; {row}" for row in rows if isinstance(row, Fault)), "")
        raise DatasetError(
            f"{root}: no picture named as BU-3DFE's renders are (F0001_AN01WH_F3D_yaw30.png) here "
            "or below; for another program's names give --view-pattern" + first
        )
    pattern = "our own" if options.view_pattern is None else repr(options.view_pattern)
    return Opened(f"pictures of BU-3DFE, views by {pattern} names", root, iter(rows))


def _read(root: Path, options: RenderedOptions) -> Iterator[Row]:
    """Samples sorted by path."""
    seen: dict[str, str] = {}
    num_textures = 0
    for item in walk(root, skip=("depth", "normals", "mask", "records")):
        if isinstance(item, Fault):
            yield item
            continue
        stem, _, ending = item.name.rpartition(".")
        match = _START.fullmatch(stem)
        if f".{ending.lower()}" not in PICTURE_SUFFIXES:
            continue
        if match is None:
            if _NEARLY.match(stem):
                yield Fault(item.path, "the name begins like BU-3DFE's but is none of them")
            continue
        if match["view"] is None and (match["kind"] or "").upper() in ("F3D", "RAW"):
            num_textures += 1
            continue
        row = _read_one(item, match, options)
        if isinstance(row, Sample):
            other = seen.setdefault(row.sample_id, item.path)
            if other != item.path:
                row = Fault(item.path, f"the same scan and view as {other}; keep one")
        yield row
    absent = sorted(set(SUBJECTS) - {sample_id[:5] for sample_id in seen})
    if absent and len(absent) < len(SUBJECTS):
        listed = ", ".join(absent[:_SHOWN]) + (", …" if len(absent) > _SHOWN else "")
        yield Note(f"subjects of the published 100 without a picture ({listed})", len(absent))
    if num_textures:
        yield Note("textures of scans, left out", num_textures)


def _read_one(file: FolderFile, match: re.Match[str], options: RenderedOptions) -> Row:
    """One picture by its name."""
    code, level = match["code"].upper(), int(match["level"])
    if (code == "NE") != (level == 0):
        return Fault(file.path, f"expression {code!r} with intensity {level}; neutral has 00")
    view = _read_view(match, options)
    if view is None:
        return Fault(
            file.path,
            f"its view {match['view']!r} is not known; give --view-pattern, as in "
            "'(?P<pan>[+-]?\\d+)_(?P<tilt>[+-]?\\d+)'",
        )
    if not (-180 <= view.pan <= 180 and -90 <= view.tilt <= 90):
        return Fault(
            file.path, f"its view is {view.pan:g}, {view.tilt:g} degrees; none turns so far"
        )
    scan_id = f"{match['subject']}_{code}{match['level']}".upper()
    ethnicity = match["ethnicity"]
    return Sample(
        sample_id=f"{scan_id}_{view.view_id}",
        image=file.path,
        expression=BU3DFE_CODES[code],
        subject_id=match["subject"].upper(),
        intensity=level or None,
        yaw_deg=view.pan,
        view_id=view.view_id,
        pan_deg=view.pan,
        tilt_deg=view.tilt,
        pose_source="file_name",
        extra={
            "scan_id": scan_id,
            "ethnicity": ethnicity and ethnicity.upper(),
            "sex": SEXES[scan_id[0]],
        },
    )


def _read_view(match: re.Match[str], options: RenderedOptions) -> _View | None:
    """The view of a name; None where it does not fit."""
    text = match["view"]
    if text is None:  # the set's own frontal pictures have no view in their name
        return _View("yaw00", 0.0, 0.0) if (match["kind"] or "").upper() == "F2D" else None
    pattern = re.compile(options.view_pattern) if options.view_pattern else _OUR_VIEWS
    found = pattern.fullmatch(text)
    if found is None:
        return None
    groups = {name: value for name, value in found.groupdict().items() if value is not None}
    try:
        pan = options.yaw_sign * float(groups.get("yaw", groups.get("pan", "0"))) + 0.0
        return _View(text, pan, float(groups.get("tilt", "0")))
    except ValueError:
        return None
