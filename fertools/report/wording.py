"""How a report puts numbers, views and people into words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "METRIC_NAMES",
    "NONE",
    "count",
    "hide_folders",
    "interval_text",
    "p_text",
    "percent",
    "points",
    "shortened",
    "units_text",
    "view_heading",
    "view_names",
]

NONE = "–"
"""What stands where there is no number."""

METRIC_NAMES = {
    "accuracy_mean_over_views": "Mean of views",
    "accuracy": "Accuracy",
    "uar": "UAR",
    "macro_f1": "Macro-F1",
}
"""The overall figures in the order of every table."""

_FOLDERS = re.compile(r"(?<![\w./:])(?:[A-Za-z]:)?[\\/](?:[^\\/\s,;'\"]+[\\/])+")


def percent(value: float | None, *, sign: bool = True) -> str:
    """A fraction as per cent with one decimal; a dash for None.

    Example:
        >>> percent(1 / 6, sign=False), percent(None)
        ('16.7', '–')
    """
    if value is None:
        return NONE
    return f"{100 * value:.1f}" + ("\u202f%" if sign else "")


def points(value: float | None) -> str:
    """A difference of fractions in percentage points, with its sign; a dash for None.

    Example:
        >>> points(0.0213), points(-0.5), points(0.0)
        ('+2.1', '−50.0', '0.0')
    """
    if value is None:
        return NONE
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def p_text(value: float | None) -> str:
    """A p value: three decimals, four below 0.001.

    Example:
        >>> p_text(0.0421), p_text(0.0004), p_text(1e-9)
        ('0.042', '0.0004', '< 0.0001')
    """
    if value is None:
        return NONE
    if value < 0.0001:
        return "< 0.0001"
    return f"{value:.4f}" if value < 0.001 else f"{value:.3f}"


def interval_text(interval: Mapping[str, Any] | None) -> str:
    """Both ends of an interval in per cent, without the sign."""
    if interval is None:
        return NONE
    return f"{percent(interval['low'], sign=False)} – {percent(interval['high'], sign=False)}"


def count(value: int | None) -> str:
    """A whole number with thin spaces between thousands; a dash for None."""
    return NONE if value is None else f"{value:,}".replace(",", "\u202f")


def shortened(text: str, limit: int) -> str:
    """A name for a figure, its middle cut out where it is longer than so many letters.

    Example:
        >>> shortened("happiness", 12), shortened("gms_lpa_resnet50, seed1", 16)
        ('happiness', 'gms_lpa…0, seed1')
    """
    if len(text) <= limit:
        return text
    end = limit // 2
    return f"{text[: limit - end - 1]}…{text[-end:]}"


def hide_folders(text: str) -> str:
    """Text whose absolute paths keep their last part only, so that it names no machine.

    Example:
        >>> hide_folders("root: /home/ann/data/set, a/b, https://x.org/y")
        'root: …/set, a/b, https://x.org/y'
    """
    return _FOLDERS.sub("…/", text)


def units_text(unit: str) -> str:
    """What is drawn or changes sides, in the plural."""
    return "people" if unit == "subject" else "pictures"


def view_names(per_view: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """How each view is headed: its angle where that is a whole number, else its own name.

    Args:
        per_view: Rows with ``view_id``, ``yaw_deg`` and ``pitch_deg``.
    """
    poses = [(row["yaw_deg"], row["pitch_deg"]) for row in per_view]
    whole = all(
        angle is not None and abs(angle - round(angle)) < 1e-3 for pose in poses for angle in pose
    )
    if not whole or len(set(poses)) != len(poses):
        return {row["view_id"]: row["view_id"] for row in per_view}
    one_pitch = len({pitch for _, pitch in poses}) == 1
    return {
        row["view_id"]: _degrees(row["yaw_deg"])
        if one_pitch
        else f"{_degrees(row['yaw_deg'])}, {_degrees(row['pitch_deg'])}"
        for row in per_view
    }


def view_heading(names: Mapping[str, str]) -> str:
    """The heading over names of views: what they are."""
    if any("°, " in name for name in names.values()):
        return "View (yaw, pitch)"
    return "View (yaw)" if all(name.endswith("°") for name in names.values()) else "View"


def _degrees(angle: float) -> str:
    """A whole angle with a true minus sign."""
    return f"{round(angle)}°".replace("-", "−")
