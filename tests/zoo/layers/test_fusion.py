"""The fused loss against Eq. 5 and 6 by hand, and the fused scores."""

from __future__ import annotations

import math

import pytest
import torch

from fertools.errors import ConfigError
from zoo.layers import DualLogits, classification_loss, fuse_scores

GLOBAL = [[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]]
LOCAL = [[0.0, 3.0, 1.0], [1.0, 1.0, 1.0]]
LABELS = [0, 1]


def by_hand(logits: list[list[float]]) -> float:
    """Eq. 5."""
    rows = zip(logits, LABELS, strict=True)
    return -sum(math.log(math.exp(r[y]) / sum(map(math.exp, r))) for r, y in rows) / len(LABELS)


def output() -> DualLogits:
    return DualLogits(
        torch.tensor(GLOBAL, dtype=torch.float64), torch.tensor(LOCAL, dtype=torch.float64)
    )


def test_the_loss_is_equation_6() -> None:
    loss = classification_loss(output(), torch.tensor(LABELS), alpha=0.6)
    expected = 0.6 * by_hand(LOCAL) + 0.4 * by_hand(GLOBAL)
    assert loss.total.item() == pytest.approx(expected, abs=1e-12)
    assert loss.global_part is not None
    assert loss.global_part.item() == pytest.approx(by_hand(GLOBAL), abs=1e-12)


def test_one_classifier_has_the_plain_loss() -> None:
    loss = classification_loss(output().local_logits, torch.tensor(LABELS))
    assert loss.total.item() == pytest.approx(by_hand(LOCAL), abs=1e-12)
    assert loss.local_part is None


@pytest.mark.parametrize("fusion", ["softmax", "logits"])
def test_scores_sum_to_one_and_alpha_decides_the_branch(fusion: str) -> None:
    for alpha, branch in ((0.0, 0), (1.0, 1)):
        scores = fuse_scores(output(), alpha=alpha, fusion=fusion)  # type: ignore[arg-type]
        torch.testing.assert_close(scores, output()[branch].softmax(dim=1))
    scores = fuse_scores(output(), fusion=fusion)  # type: ignore[arg-type]
    torch.testing.assert_close(scores.sum(dim=1), torch.ones(2, dtype=torch.float64))


def test_the_two_rules_can_disagree() -> None:
    strong = DualLogits(torch.tensor([[9.0, 0.0]]), torch.tensor([[0.0, 3.0]]))
    assert fuse_scores(strong, fusion="softmax").argmax().item() == 1
    assert fuse_scores(strong, fusion="logits").argmax().item() == 0


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_a_weight_outside_0_to_1_is_refused(alpha: float) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        classification_loss(output(), torch.tensor(LABELS), alpha=alpha)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ConfigError, match="'mean' is not known; expected 'softmax' or 'logits'"):
        fuse_scores(output(), fusion="mean")  # type: ignore[arg-type]
