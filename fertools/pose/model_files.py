"""Files of networks, read once and compared with the digest that they must have."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints

from fertools.errors import ModelError
from fertools.regular_files import open_regular

__all__ = ["Digest", "read_model_bytes"]

Digest = Annotated[str, StringConstraints(to_lower=True, pattern="^[0-9a-fA-F]{64}$")]
"""A SHA-256 as users write it."""

_MAX_BYTES = 2_000_000_000


def read_model_bytes(path: Path, *, sha256: str, remedy: str) -> bytes:
    """A model's bytes, if they are the ones that are meant.

    Args:
        path: The file.
        sha256: What it must be, hexadecimal.
        remedy: Where such a file comes from; stands in the errors.

    Raises:
        ModelError: If it is missing, no file, larger than 2 GB, or another one.
    """
    try:
        with open_regular(path) as stream:
            if os.fstat(stream.fileno()).st_size > _MAX_BYTES:
                raise ModelError(f"{path}: has more than 2 GB; expected a model; {remedy}")
            data = stream.read()
    except FileNotFoundError as error:
        raise ModelError(f"{path}: there is no such model file; {remedy}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: cannot be read: {reason}; {remedy}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelError(
            f"{path}: has the SHA-256 {found}, expected {sha256}; it is another model or was "
            f"damaged; {remedy}"
        )
    return data
