from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from fertools.align.scales import RATIOS, ScaledPicture, pick_ratio
from fertools.errors import PictureError
from fertools.pictures import read_picture

PLACE = Path("picture")


def smooth(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows % 200, columns % 220, (rows + columns) % 90], axis=-1).astype(np.uint8)


def encoded(pixels: np.ndarray, kind: str = "JPEG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(("scale", "ratio"), [(2.0, 1), (1.0, 1), (0.51, 1), (0.5, 2), (0.01, 8)])
def test_no_scale_below_the_least_is_picked(scale: float, ratio: int) -> None:
    assert pick_ratio(scale) == ratio


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(64, 96), (61, 103), (9, 200)])
def test_every_scale_covers_the_picture(kind: str, size: tuple[int, int]) -> None:
    data = encoded(smooth(*size), kind)
    for ratio in RATIOS:
        pixels = ScaledPicture.open(PLACE, data).at(ratio)
        assert pixels.shape == (-(-size[0] // ratio), -(-size[1] // ratio), 3)


def test_small_scales_are_the_same_from_a_small_decoding_or_a_large_one() -> None:
    ramp = np.linspace(0, 255, 128).astype(np.uint8)
    data = encoded(np.stack([np.tile(ramp, (128, 1))] * 3, axis=-1), quality=98, subsampling=0)
    straight, by_way = (ScaledPicture.open(PLACE, data) for _ in range(2))
    by_way.at(1)
    assert np.abs(straight.at(4).astype(int) - by_way.at(4)).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_exif_says_where_asked(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(smooth(40, 64), exif=exif, quality=95))
    stored = read_picture(path)
    with Image.open(path) as picture:
        turned = np.array(ImageOps.exif_transpose(picture).convert("RGB"))
    asked = ScaledPicture.open(path, path.read_bytes(), as_exif_says=True)
    assert (asked.height, asked.width) == turned.shape[:2]
    assert np.abs(asked.at(1).astype(int) - turned).max() <= 3
    np.testing.assert_array_equal(ScaledPicture.open(path, path.read_bytes()).at(1), stored)


def test_a_damaged_picture_is_a_fault_that_names_it() -> None:
    data = encoded(smooth(200, 200))
    with pytest.raises(PictureError, match="picture: "):
        ScaledPicture.open(PLACE, b"no picture")
    with pytest.raises(PictureError, match="picture: "):
        ScaledPicture.open(PLACE, data[: len(data) // 2]).at(1)
