"""Whether pictures are still those that were indexed, told without reading them all.

An estimator that looks at the set's landmarks opens no picture, so that nobody would notice that
the set was changed or taken away since. A file that is gone or of another size is told by asking
the file system; one whose inode changed after the manifest was written is digested.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from fertools.errors import PictureError
from fertools.manifest import Manifest
from fertools.pictures import read_picture_bytes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find_stale"]

_AGAIN = "index the set again"


def find_stale(manifest: Manifest, frame: pd.DataFrame) -> dict[int, str]:
    """The rows whose picture is gone or another one.

    Args:
        manifest: Whose file and pictures are compared.
        frame: Rows of it.

    Returns:
        Place in ``frame`` to what is wrong, which names the file.
    """
    written = manifest.path.stat().st_ctime_ns
    columns = ["image", "sha256", *(["num_bytes"] if "num_bytes" in frame else [])]
    stale = {}
    rows = zip(*(frame[name].tolist() for name in columns), strict=True)
    for place, (image, sha256, *size) in enumerate(rows):
        path = f"{manifest.root}/{image}"
        try:
            found = os.stat(path)  # noqa: PTH116 - half a million Path objects take seconds
        except OSError as error:
            stale[place] = f"{path}: cannot be read: {error.strerror}; {_AGAIN}"
            continue
        is_other = bool(size) and size[0] != found.st_size
        if not is_other and found.st_ctime_ns > written:
            try:
                is_other = hashlib.sha256(read_picture_bytes(Path(path))).hexdigest() != sha256
            except PictureError as error:
                stale[place] = str(error)
        if is_other:
            stale[place] = f"{path}: is not the picture that the manifest was made of; {_AGAIN}"
    return stale
