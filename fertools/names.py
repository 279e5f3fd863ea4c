"""Names of samples, people, views and classes: text that can be told apart by eye."""

from __future__ import annotations

__all__ = ["is_name"]


def is_name(value: object) -> bool:
    r"""Whether a value is text without line breaks, invisible characters or spaces at its ends.

    Example:
        >>> [is_name(value) for value in ("F0001", "微 笑", "", " ", "a ", "a\u200b", 1, None)]
        [True, True, False, False, False, False, False, False]
    """
    return isinstance(value, str) and value.isprintable() and value.strip() == value != ""
