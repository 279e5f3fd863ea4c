"""What the headers of pictures say; no pixel is decoded, and of EXIF only whether it is there."""

from __future__ import annotations

import struct
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fertools.doctor.masking import Masked, shape_of

__all__ = ["BitmapHeader", "PictureTally", "describe_bitmap", "tally_pictures"]

_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "GIF", "WEBP")
_MODES = "1 L LA La P PA RGB RGBA RGBa RGBX CMYK YCbCr LAB HSV I F I;16 I;16B"
_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
}
_MAX_SIZES = 6


@dataclass(frozen=True)
class BitmapHeader:
    """The header of one BMP.

    Attributes:
        num_bytes: Of the file.
        says_bytes: What the header says of it.
        pixel_offset: Where the pixels begin.
        header_size: 40 for the usual one.
        width: In pixels.
        height: In pixels; negative where the first row is the top one.
        bits: A pixel.
        compression: 0 for none.
        num_colours: Of the palette.
        num_left: Bytes behind the pixels, by the header; None where it is compressed.
    """

    num_bytes: int
    says_bytes: int
    pixel_offset: int
    header_size: int
    width: int
    height: int
    bits: int
    compression: int
    num_colours: int
    num_left: int | None


@dataclass
class PictureTally:
    """What the headers of some pictures say.

    Attributes:
        num_opened: How many were looked at.
        formats: By their content.
        modes: As Pillow names them, such as RGB.
        sizes: ``width x height`` to pictures, the most frequent first.
        num_other_sizes: Pictures of further sizes.
        smallest: Least width and least height.
        largest: Greatest width and greatest height.
        num_with_exif: With EXIF data.
        num_turned: With EXIF data that asks for a turn.
        num_animated: Of more than one frame.
        num_misnamed: Whose ending is that of another format.
        num_unreadable: Whose header cannot be read.
    """

    num_opened: int = 0
    formats: dict[Masked, int] = field(default_factory=dict)
    modes: dict[Masked, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    num_other_sizes: int = 0
    smallest: tuple[int, int] | None = None
    largest: tuple[int, int] | None = None
    num_with_exif: int = 0
    num_turned: int = 0
    num_animated: int = 0
    num_misnamed: int = 0
    num_unreadable: int = 0


def describe_bitmap(path: Path) -> BitmapHeader | None:
    """The header of a BMP; None if it has none of the usual kind.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(54)
    if len(head) < 54 or head[:2] != b"BM":
        return None
    says_bytes, pixel_offset, header_size = struct.unpack_from("<I4xII", head, 2)
    width, height, _, bits, compression, _, _, _, colours = struct.unpack_from(
        "<iiHHIIiiI", head, 18
    )
    num_bytes = path.stat().st_size
    row = (abs(width) * bits + 31) // 32 * 4
    left = num_bytes - pixel_offset - row * abs(height) if compression == 0 else None
    return BitmapHeader(
        num_bytes,
        says_bytes,
        pixel_offset,
        header_size,
        width,
        height,
        bits,
        compression,
        colours,
        left,
    )


def tally_pictures(paths: list[Path]) -> PictureTally:
    """Look at the headers of pictures; what cannot be read is counted."""
    tally = PictureTally()
    formats: Counter[Masked] = Counter()
    modes: Counter[Masked] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    for path in paths:
        tally.num_opened += 1
        facts = _read_header(path)
        if facts is None:
            tally.num_unreadable += 1
            continue
        formats[facts.format] += 1
        modes[facts.mode] += 1
        sizes[facts.size] += 1
        tally.num_with_exif += facts.has_exif
        tally.num_turned += facts.is_turned
        tally.num_animated += facts.is_animated
        tally.num_misnamed += path.suffix.lower() not in _SUFFIXES.get(facts.format, ())
    tally.formats = dict(formats.most_common())
    tally.modes = dict(modes.most_common())
    usual = sizes.most_common(_MAX_SIZES)
    tally.sizes = {f"{width} x {height}": count for (width, height), count in usual}
    tally.num_other_sizes = sizes.total() - sum(count for _, count in usual)
    if sizes:
        tally.smallest = min(w for w, _ in sizes), min(h for _, h in sizes)
        tally.largest = max(w for w, _ in sizes), max(h for _, h in sizes)
    return tally


@dataclass(frozen=True)
class _Header:
    """What one header says."""

    format: Masked
    mode: Masked
    size: tuple[int, int]
    has_exif: bool
    is_turned: bool
    is_animated: bool


def _read_header(path: Path) -> _Header | None:
    """The header of a picture; None if there is no telling."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=_FORMATS) as picture:
                kind, mode = picture.format or "", picture.mode
                exif = picture.getexif()
                return _Header(
                    format=Masked(kind if kind in _FORMATS else shape_of(kind)),
                    mode=Masked(mode if mode in _MODES.split() else shape_of(mode)),
                    size=picture.size,
                    has_exif=len(exif) > 0,
                    is_turned=exif.get(0x0112, 1) != 1,
                    is_animated=getattr(picture, "n_frames", 1) > 1,
                )
        except Exception:  # whatever a decoder makes of a damaged header: it is counted
            return None
