"""Pictures that are there more than once: sketches of pictures, search by hash, proof by pixels."""

from fertools.duplicates.compare import SAME_PICTURE, WHOLE, picture_differences
from fertools.duplicates.find import (
    NEAR_DISTANCE,
    ONE_PERSON,
    NearPair,
    find_near_duplicates,
    group_pairs,
)
from fertools.duplicates.search import MAX_DISTANCE, near_pairs
from fertools.duplicates.sketches import (
    FLAT_BELOW,
    THUMBNAIL_SIZE,
    VARIANTS,
    Sketch,
    Sketches,
    Thumbnails,
    altered,
    coarse_pictures,
    sketch_picture,
    stack_sketches,
)
from fertools.duplicates.windows import NUM_WINDOWS, StoredWords, Windows, hash_windows

__all__ = [
    "FLAT_BELOW",
    "MAX_DISTANCE",
    "NEAR_DISTANCE",
    "NUM_WINDOWS",
    "ONE_PERSON",
    "SAME_PICTURE",
    "THUMBNAIL_SIZE",
    "VARIANTS",
    "WHOLE",
    "NearPair",
    "Sketch",
    "Sketches",
    "StoredWords",
    "Thumbnails",
    "Windows",
    "altered",
    "coarse_pictures",
    "find_near_duplicates",
    "group_pairs",
    "hash_windows",
    "near_pairs",
    "picture_differences",
    "sketch_picture",
    "stack_sketches",
]
