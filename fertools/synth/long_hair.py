"""Hair that falls over the ears, as a shell about the head's own cap of short hair."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fertools.synth.sheets import Sheet, stretch
from fertools.synth.sitting import Sitter

__all__ = ["grow_long_hair", "has_long_hair"]

FloatArray = npt.NDArray[np.float64]

_SHARES = (0.7, 0.06)  # of women and men
_COLUMNS = 49
_CELLS = (96, 192)


def has_long_hair(sitter: Sitter) -> bool:
    """Whether a person wears it; the same in all of their pictures."""
    share = _SHARES[int(sitter.person.male > 0.5)]
    return bool(np.random.default_rng([*sitter.seed, 41]).random() < share)


def grow_long_hair(sitter: Sitter, points: FloatArray, landmarks: FloatArray) -> list[Sheet]:
    """Long hair of a person, outside and inside.

    Args:
        sitter: The person; length and parting come from their seed.
        points: ``(V, 3)`` of the raw head with its short hair, mm in the head's frame.
        landmarks: ``(68, 3)`` of the same head.
    """
    rng = np.random.default_rng([*sitter.seed, 42])
    skull = points[points[:, 1] > landmarks[27, 1] - 10.0]
    crown, back = skull[:, 1].max(), skull[:, 2].min()
    half = 0.5 * (skull[:, 0].max() - skull[:, 0].min()) + rng.uniform(3, 9)
    edge = landmarks[[0, 16], 2].mean() - rng.uniform(0.0, 10.0)  # before the ears
    low = landmarks[8, 1] - rng.uniform(-25.0, 85.0)
    middle_z = 0.5 * (back + edge) + 6.0
    deep = middle_z - back + rng.uniform(4, 9)
    widest = landmarks[27, 1] + 18.0
    lift = rng.uniform(4.0, 9.0)

    angle = np.linspace(0.12, 0.5 * np.pi, 9)  # over the top: rings of a dome
    heights = np.concatenate(
        [widest + (crown + lift - widest) * np.cos(angle), np.linspace(widest, low, 13)[1:]]
    )
    swell = np.concatenate([np.sin(angle), 1 + rng.uniform(-0.12, 0.10) * np.linspace(0, 1, 12)])
    wave = 1 + 0.02 * np.sin(np.linspace(0, rng.uniform(2, 14), len(heights)) + rng.uniform(0, 6))
    swell = swell * wave
    column = np.linspace(-1.0, 1.0, _COLUMNS)
    front = np.interp(heights, [widest - 40.0, widest + 30.0, crown], [1.72, 1.95, np.pi])
    turn = front[:, None] * column
    x = half * swell[:, None] * np.sin(turn)
    z = middle_z - deep * swell[:, None] * np.cos(turn)
    ragged = stretch(rng.normal(0, 5.0, (1, 25)), 1, _COLUMNS)[0]
    down = np.clip((widest - heights) / (widest - low), 0, 1) ** 3
    y = heights[:, None] + down[:, None] * ragged
    grid = np.stack([x, y, z], axis=-1)

    strands = stretch(rng.normal(size=(3, 150)), *_CELLS) * 0.30
    strands += stretch(rng.normal(size=(2, 40)), *_CELLS) * 0.18
    colours = np.array(sitter.person.hair) * np.exp(strands)[..., None]
    shade = np.interp(heights, [low, widest, crown], [0.75, 0.95, 1.05])
    inner = (grid - [0.0, 0.0, middle_z]) * [0.965, 1.0, 0.965] + [0.0, 0.0, middle_z]
    return [
        Sheet(grid, colours, shade, gloss=0.05),
        Sheet(inner, 0.4 * colours, 0.6 * shade),
    ]
