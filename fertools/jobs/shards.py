"""Shards: the I-th of N equal parts of a list, so that several machines share one piece of work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from fertools.errors import ConfigError

__all__ = ["Shard"]

_Item = TypeVar("_Item")
_FORM = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True)
class Shard:
    """One of ``count`` parts; ``index`` counts from 1."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``I/N``, as in ``2/8``.

        Raises:
            ConfigError: If it is not of this form, or I is not from 1 to N.

        Example:
            >>> Shard.parse("2/3").pick("abcdefg")
            ['b', 'e']
        """
        match = _FORM.fullmatch(text.strip())
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise ConfigError(
                f"--shard {text!r}: expected I/N with I from 1 to N, as in --shard 2/8"
            )
        return cls(int(match[1]), int(match[2]))

    def pick(self, items: Sequence[_Item]) -> list[_Item]:
        """Every ``count``-th item, beginning with the ``index``-th."""
        return list(items[self.index - 1 :: self.count])

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
