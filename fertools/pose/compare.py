"""How a cut by pose agrees with a list: per class, and by how much the disagreements miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fertools.expressions import EXPRESSIONS

if TYPE_CHECKING:
    import pandas as pd

    from fertools.pose.list_import import ListedSamples
    from fertools.pose.split import Split

__all__ = ["NEAR_DEGREES", "Comparison", "compare_with_list"]

_Flags = npt.NDArray[np.bool_]

NEAR_DEGREES = 5.0
"""A disagreement this near the threshold is what any two estimators have."""


@dataclass(frozen=True)
class Comparison:
    """A cut beside a list.

    Attributes:
        listed: The list.
        classes: Columns ``expression``, ``both``, ``only_split``, ``only_list``, ``jaccard``; the
            last row is ``all``.
        disagreements: The pictures in one of them only: ``sample_id``, ``expression``, ``in``
            (``split`` or ``list``), angles, ``margin``, ``confidence``, ``category``, ``reason``;
            the greatest margins first.
        num_near: Disagreements within :data:`NEAR_DEGREES` of the threshold.
        num_far: Disagreements further away.
        num_unsure: Disagreements on pictures that the cut could not decide.
    """

    listed: ListedSamples
    classes: pd.DataFrame
    disagreements: pd.DataFrame
    num_near: int
    num_far: int
    num_unsure: int

    @property
    def jaccard(self) -> float:
        """Pictures in both, as a share of those in one or both."""
        return float(self.classes["jaccard"].iloc[-1])


def compare_with_list(split: Split, listed: ListedSamples) -> Comparison:
    """Compare a cut by pose with a list of the same set.

    Args:
        split: The cut.
        listed: The list, of the same evaluated rows.
    """
    table = split.table
    is_listed = table["sample_id"].isin(listed.sample_ids).to_numpy(dtype=bool)
    is_cut = table["selected"].to_numpy(dtype=bool)
    is_unsure = table["category"].isin(["no pose", "low confidence"]).to_numpy(dtype=bool)
    margins = np.abs(table["margin"].to_numpy(dtype=np.float64))
    differ = is_listed != is_cut
    decided = differ & ~is_unsure
    rows = table.loc[differ].assign(**{"in": np.where(is_cut[differ], "split", "list")})
    order = np.argsort(-margins[differ], kind="stable")
    columns = ["sample_id", "expression", "in", "yaw", "pitch", "roll", "margin", "confidence"]
    return Comparison(
        listed=listed,
        classes=_by_class(table["expression"], is_cut, is_listed),
        disagreements=rows.iloc[order][[*columns, "category", "reason"]].reset_index(drop=True),
        num_near=int((decided & (margins <= NEAR_DEGREES)).sum()),
        num_far=int((decided & (margins > NEAR_DEGREES)).sum()),
        num_unsure=int((differ & is_unsure).sum()),
    )


def _by_class(expressions: pd.Series[str], is_cut: _Flags, is_listed: _Flags) -> pd.DataFrame:
    """Counts and Jaccard index of every class, and of all."""
    import pandas as pd

    rows = []
    names = [name for name in EXPRESSIONS if (expressions == name).any()]
    for name in (*names, "all"):
        is_part = (expressions == name).to_numpy(dtype=bool) | (name == "all")
        both = int((is_part & is_cut & is_listed).sum())
        only_split = int((is_part & is_cut & ~is_listed).sum())
        only_list = int((is_part & ~is_cut & is_listed).sum())
        union = both + only_split + only_list
        rows.append(
            {
                "expression": name,
                "both": both,
                "only_split": only_split,
                "only_list": only_list,
                "jaccard": both / union if union else float("nan"),
            }
        )
    return pd.DataFrame(rows)
