"""What a validation came to, as a value; reports and figures are made of it alone."""

from __future__ import annotations

from dataclasses import dataclass

from fertools.pose.validation.assess import Assessment, continuous_part
from fertools.pose.validation.truth import NOTES, Truth
from fertools.pose.validation.weights import Distribution

__all__ = ["Outcome"]


@dataclass(frozen=True)
class Outcome:
    """Everything that was measured.

    Attributes:
        truth: The samples.
        assessments: One an estimator and noise; a calibrated one follows its original.
        not_run: Estimator to the reason why it was not validated.
        convention: Whose angles the decisions are about.
        min_confidence: A pose of less is unknown to the decisions.
        like: The user's distribution of poses; None if he gave none.
        seed: Of noise and intervals.
    """

    truth: Truth
    assessments: tuple[Assessment, ...]
    not_run: dict[str, str]
    convention: str
    min_confidence: float
    like: Distribution | None
    seed: int

    @property
    def part(self) -> str:
        """The part that decisions were made on."""
        return continuous_part(self.truth)

    @property
    def is_synthetic(self) -> bool:
        """Whether the samples are stand-ins."""
        return self.truth.manifest.info.synthetic

    @property
    def distribution(self) -> str:
        """How the true poses are distributed, in words: precision depends on it."""
        if self.part == "uniform":
            return (
                "yaw uniform in ±90, pitch in ±30, roll in ±15 degrees, field of view of the "
                "picture in 20 to 80 degrees"
            )
        return f"as in the {len(self.truth):,} samples of {self.truth.manifest.info.dataset}"

    @property
    def truth_note(self) -> str:
        """How true the truth is, in words."""
        return "; ".join(f"{name}: {NOTES[name]}" for name in self.truth.sources)
