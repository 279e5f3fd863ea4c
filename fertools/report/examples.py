"""A few tested pictures, recognised and not: the only place where a report may show faces.

They are embedded only from stand-ins, which show nobody, or when it was asked for.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fertools.errors import ManifestError
from fertools.manifest import read_manifest
from fertools.metrics import join_predictions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fertools.metrics import Predictions

__all__ = ["Example", "Examples", "find_examples"]

_MAX_SIDE = 160


@dataclass(frozen=True)
class Example:
    """One tested picture.

    Attributes:
        shown: Its true expression.
        recognised: The predicted one; empty where no face was found.
        sample_id: Its name.
        view_id: Its view, or an empty string.
        uri: The picture as a data URI.
    """

    shown: str
    recognised: str
    sample_id: str
    view_id: str
    uri: str


@dataclass(frozen=True)
class Examples:
    """What there is to show, or why there is nothing.

    Attributes:
        right: One recognised picture an expression, where there is one.
        wrong: One that was not.
        reason: Why both are empty; an empty string otherwise.
    """

    right: tuple[Example, ...] = ()
    wrong: tuple[Example, ...] = ()
    reason: str = ""


def find_examples(
    predictions: Sequence[Predictions],
    *,
    manifest_path: Path | None,
    with_faces: bool,
    seed: int = 0,
) -> Examples:
    """Draw one recognised and one unrecognised picture of each expression, by chance.

    Args:
        predictions: The tables of a run.
        manifest_path: The run's manifest; None if the run does not name it.
        with_faces: Show pictures of people too, not only of stand-ins.
        seed: Of the drawing.

    Returns:
        The pictures as data URIs, none larger than 160 pixels a side.
    """
    if manifest_path is None:
        return Examples(reason="No manifest is named, so there are no pictures to show.")
    info = predictions[0].info
    if not info.synthetic and not with_faces:
        return Examples(
            reason="Pictures of people are left out, so that the report may be passed on; "
            "--with-faces shows them."
        )
    try:
        manifest = read_manifest(manifest_path)
    except ManifestError:
        return Examples(reason="The run's manifest is not at hand, so no picture can be shown.")
    if not manifest.info.synthetic and not with_faces:
        return Examples(reason="The run's manifest is not of stand-ins; --with-faces shows it.")
    images = dict(zip(manifest.frame["sample_id"], manifest.frame["image"], strict=True))
    frame, predicted = join_predictions(predictions)
    labels = frame["label"].to_numpy()
    rng = np.random.default_rng([seed])
    right: list[Example] = []
    wrong: list[Example] = []
    for label, name in enumerate(info.classes):
        for kept, outcome in ((right, predicted == labels), (wrong, predicted != labels)):
            rows = np.flatnonzero((labels == label) & outcome)
            if len(rows) == 0:
                continue
            row = int(rng.choice(rows))
            sample = frame.iloc[row]
            image = images.get(str(sample["sample_id"]))
            uri = None if image is None else _data_uri(manifest.root / str(image))
            if uri is None:
                return Examples(
                    reason="A picture is not at hand or cannot be read, so none is shown."
                )
            answer = int(predicted[row])
            recognised = info.classes[answer] if answer >= 0 else ""
            view = "" if sample["view_id"] is None else _text(sample["view_id"])
            kept.append(Example(name, recognised, str(sample["sample_id"]), view, uri))
    return Examples(tuple(right), tuple(wrong))


def _text(value: Any) -> str:
    """A cell as text, nothing for null."""
    return value if isinstance(value, str) else ""


def _data_uri(path: Path) -> str | None:
    """A picture, made smaller if need be, as a PNG data URI; None if it cannot be read."""
    import cv2

    if not path.is_file():
        return None
    pixels = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return None
    scale = _MAX_SIDE / max(pixels.shape[:2])
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".png", pixels)
    return f"data:image/png;base64,{base64.b64encode(data.tobytes()).decode()}" if done else None
