"""What a folder keeps about itself: JSON objects of ours, read without trust."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from fertools.errors import ManifestError

__all__ = ["read_note", "text_digest"]


def read_note(path: Path, *, max_bytes: int, remedy: str) -> dict[str, Any]:
    """Read a JSON object that an earlier run left.

    Args:
        path: The file.
        max_bytes: A larger one is refused unread.
        remedy: What to do where it is damaged; stands last in the error.

    Raises:
        ManifestError: If it is missing, a pipe, too large, no JSON, or no object.
    """
    try:
        if not path.is_file() or path.stat().st_size > max_bytes:
            raise ValueError("too large, or a pipe")
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ManifestError(f"{path}: is damaged; {remedy}") from error
    if not isinstance(value, dict):
        raise ManifestError(f"{path}: is damaged; {remedy}")
    return value


def text_digest(text: str) -> str:
    """SHA-256 of text, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
