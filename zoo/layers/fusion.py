"""Model-level fusion: two classifiers, a weighted loss, weighted scores (Eq. 5 and 6).

Liu et al., CMES 139(1), 2024, sections 3.4 and 4.2.4. The paper gives the weight alpha for the LOSS
and no rule for test time; here the same weight mixes the softmax scores of the branches
(``fusion="softmax"``, the default) or their logits (``fusion="logits"``, as MA-Net does).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from torch import Tensor
from torch.nn import functional

from fertools.errors import ConfigError

ALPHA = 0.6
"""Weight of the local branch, section 4.2.4."""

Fusion = Literal["softmax", "logits"]
"""What is mixed at test time."""


class DualLogits(NamedTuple):
    """What a dual-branch model gives, in training and in evaluation alike.

    Attributes:
        global_logits: Logits of the global (multi-scale) branch, ``(N, classes)``.
        local_logits: Logits of the local (patch) branch, ``(N, classes)``.
    """

    global_logits: Tensor
    local_logits: Tensor


class LossParts(NamedTuple):
    """A loss and, for a dual-branch model, the two that it was mixed from; all scalars."""

    total: Tensor
    global_part: Tensor | None
    local_part: Tensor | None


def check_alpha(alpha: float) -> None:
    """Refuse a weight outside 0 to 1.

    Raises:
        ConfigError: If ``alpha`` is not between 0 and 1.
    """
    if not 0.0 <= alpha <= 1.0:
        raise ConfigError(f"alpha is {alpha!r}; expected the local branch's weight, from 0 to 1")


def classification_loss(
    output: Tensor | DualLogits,
    labels: Tensor,
    *,
    alpha: float = ALPHA,
    label_smoothing: float = 0.0,
) -> LossParts:
    r"""Cross-entropy of one classifier, or the weighted one of two.

    .. math::
        L = \alpha L_{local} + (1 - \alpha) L_{global}

    with each part the mean cross-entropy of Eq. 5.

    Args:
        output: Logits ``(N, classes)`` or :class:`DualLogits` of such.
        labels: Class indices ``(N,)``, int64.
        alpha: Weight of the local branch; not used for one classifier.
        label_smoothing: Share of the target spread evenly over the classes; the paper has none.

    Raises:
        ConfigError: If ``alpha`` is not between 0 and 1.
    """
    check_alpha(alpha)
    if not isinstance(output, DualLogits):
        total = functional.cross_entropy(output, labels, label_smoothing=label_smoothing)
        return LossParts(total, None, None)
    global_part = functional.cross_entropy(
        output.global_logits, labels, label_smoothing=label_smoothing
    )
    local_part = functional.cross_entropy(
        output.local_logits, labels, label_smoothing=label_smoothing
    )
    return LossParts(alpha * local_part + (1.0 - alpha) * global_part, global_part, local_part)


def fuse_scores(
    output: Tensor | DualLogits, *, alpha: float = ALPHA, fusion: Fusion = "softmax"
) -> Tensor:
    """Scores of every class from one classifier or from both branches.

    Args:
        output: Logits ``(N, classes)`` or :class:`DualLogits` of such.
        alpha: Weight of the local branch; not used for one classifier.
        fusion: 'softmax' mixes the branches' softmax scores, 'logits' takes the softmax of the
            mixed logits.

    Returns:
        Scores ``(N, classes)``, each row summing to 1.

    Raises:
        ConfigError: If ``alpha`` is not between 0 and 1 or ``fusion`` is not known.
    """
    check_alpha(alpha)
    if fusion not in get_args(Fusion):
        raise ConfigError(f"fusion {fusion!r} is not known; expected 'softmax' or 'logits'")
    if not isinstance(output, DualLogits):
        return output.softmax(dim=-1)
    if fusion == "logits":
        mixed = alpha * output.local_logits + (1.0 - alpha) * output.global_logits
        return mixed.softmax(dim=-1)
    local_scores = output.local_logits.softmax(dim=-1)
    return alpha * local_scores + (1.0 - alpha) * output.global_logits.softmax(dim=-1)
