from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fertools.align.scales import ScaledPicture
from fertools.align.template import (
    CORE_SIDE,
    Placement,
    core_box,
    place_face,
    place_whole,
    template_points,
    warp,
)
from fertools.geometry import FloatArray

SIZE, MARGIN = 200, 0.1
BOX = (100.0, 100.0, 300.0, 380.0)


def placed(points: FloatArray, box: tuple[float, float, float, float] | None = None) -> Placement:
    placement = place_face(points, box, size=SIZE, margin=MARGIN)
    assert placement is not None
    return placement


def moved(points: FloatArray, *, scale: float, roll_deg: float) -> FloatArray:
    """A face somewhere in a picture, its head leaning clockwise by so much."""
    angle = np.deg2rad(roll_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T * scale + [500.0, 300.0]


@pytest.mark.parametrize("roll_deg", [-170.0, -45.0, 0.0, 20.0, 90.0])
def test_a_moved_template_comes_back_to_its_place(roll_deg: float) -> None:
    wanted = template_points(SIZE, MARGIN)
    points = moved(wanted, scale=4.0, roll_deg=roll_deg)
    placement = placed(points)
    assert placement.method == "five-points"
    assert placement.scale == pytest.approx(0.25)
    assert placement.roll_deg == pytest.approx(roll_deg)
    np.testing.assert_allclose(placement.apply(points), wanted, atol=1e-9)
    np.testing.assert_allclose(placement.undo(wanted), points, atol=1e-9)
    homogeneous = np.column_stack([points, np.ones(5)])
    np.testing.assert_allclose(homogeneous @ placement.matrix.T, wanted, atol=1e-9)


def test_the_fit_is_that_of_scikit_image() -> None:
    from skimage.transform import SimilarityTransform

    wanted = template_points(SIZE, MARGIN)
    points = moved(wanted, scale=2.0, roll_deg=12.0)
    points += np.random.default_rng(0).normal(scale=8.0, size=points.shape)
    theirs = SimilarityTransform.from_estimate(points, wanted)
    np.testing.assert_allclose(placed(points).matrix, theirs.params[:2], atol=1e-9)


def test_the_eyes_of_the_template_are_level_and_a_margin_makes_the_face_smaller() -> None:
    wide, narrow = template_points(SIZE, 0.5), template_points(SIZE, 0.0)
    assert narrow[0, 1] == narrow[1, 1]
    assert narrow[1, 0] - narrow[0, 0] == pytest.approx(SIZE / CORE_SIDE)
    assert wide[1, 0] - wide[0, 0] == pytest.approx((narrow[1, 0] - narrow[0, 0]) / 2)
    np.testing.assert_allclose(narrow[:2].mean(axis=0), [SIZE / 2, SIZE / CORE_SIDE])


def test_an_unknown_nose_is_left_out() -> None:
    wanted = template_points(SIZE, MARGIN)
    points = moved(wanted, scale=3.0, roll_deg=-8.0)
    points[2] = np.nan
    np.testing.assert_allclose(placed(points).apply(points)[[0, 1, 3, 4]], wanted[[0, 1, 3, 4]])


def test_a_profile_is_laid_over_the_axis_from_the_eyes_to_the_mouth() -> None:
    points = np.array([[300.0, 200], [304, 200], [380, 260], [310, 305], [314, 305]])
    placement = placed(points, BOX)
    wanted = template_points(SIZE, MARGIN)
    assert placement.method == "eyes-mouth"
    middle = placement.apply(np.array([points[:2].mean(axis=0), points[3:].mean(axis=0)]))
    np.testing.assert_allclose(
        middle, [wanted[:2].mean(axis=0), wanted[3:].mean(axis=0)], atol=1e-9
    )


def test_a_head_that_turns_does_not_jump() -> None:
    yaws = np.deg2rad(np.arange(0.0, 90.5, 0.5))
    shape = template_points(SIZE, MARGIN) - SIZE / 2
    depth = np.array([-25.0, -25.0, 20.0, -15.0, -15.0])  # of eyes, nose and mouth
    placements = []
    for yaw in yaws:
        x = shape[:, 0] * np.cos(yaw) + depth * np.sin(yaw)
        placements.append(placed(np.stack([x, shape[:, 1]], axis=1) + 300.0))
    names = list(dict.fromkeys(placement.method for placement in placements))
    assert names == ["five-points", "blend", "eyes-mouth"]
    scales = np.array([placement.scale for placement in placements])
    assert np.abs(np.diff(scales)).max() < 0.01
    assert 0.95 < scales.min() < scales.max() < 1.2


@pytest.mark.parametrize("mouth_y", [50.0, 195.0, 205.0])
def test_points_that_are_no_face_give_way_to_the_box(mouth_y: float) -> None:
    points = np.array([[150.0, 200], [250, 200], [200, 200], [160, mouth_y], [240, mouth_y]])
    placement = placed(points, BOX)
    assert placement.method == "box"
    assert placement.roll_deg == 0.0
    assert place_face(points, None, size=SIZE, margin=MARGIN) is None
    assert place_face(points, (5.0, 5.0, 5.0, 9.0), size=SIZE, margin=MARGIN) is None


def test_all_points_in_one_place_are_no_face() -> None:
    assert place_face(np.full((5, 2), 7.0), None, size=SIZE, margin=MARGIN) is None


def test_a_box_puts_a_frontal_face_where_its_points_would() -> None:
    unit = 70.0  # between the eyes; the box is the detector's mean over frontal faces
    points = moved(template_points(SIZE, MARGIN), scale=1.0, roll_deg=0.0)
    points = (points - points[:2].mean(axis=0)) / (points[1, 0] - points[0, 0]) * unit + 400
    box = (400 - 1.07 * unit, 400 - 1.17 * unit, 400 + 1.04 * unit, 400 + 1.72 * unit)
    by_box = place_face(None, box, size=SIZE, margin=MARGIN)
    assert by_box is not None
    off = by_box.apply(points) - template_points(SIZE, MARGIN)
    assert np.abs(off).max() < 0.02 * SIZE


def test_the_core_box_is_the_crop_without_its_margin() -> None:
    placement = placed(moved(template_points(SIZE, MARGIN), scale=2.0, roll_deg=0.0))
    x0, y0, x1, y1 = core_box(placement, size=SIZE, margin=MARGIN)
    assert (x1 - x0, y1 - y0) == pytest.approx((2 * SIZE / 1.2, 2 * SIZE / 1.2))


@pytest.mark.parametrize("side", [150, 700, 1600])
def test_a_warped_mark_lies_where_the_placement_says(tmp_path: Path, side: int) -> None:
    pixels = np.zeros((side, side, 3), np.uint8)
    x, y, r = side * 6 // 10, side * 4 // 10, max(2, side // 60)
    pixels[y - r : y + r, x - r : x + r] = 255  # its middle is (x, y)
    path = tmp_path / "mark.png"
    Image.fromarray(pixels).save(path)
    picture = ScaledPicture.open(path, path.read_bytes())
    face = moved(template_points(SIZE, MARGIN), scale=1.0, roll_deg=10.0)
    face = (face - face.mean(axis=0)) * side / 400 + side / 2
    placement = placed(face)
    crop = warp(picture, placement, size=SIZE, border=(0, 0, 0))[..., 0].astype(float)
    rows, columns = np.indices(crop.shape) + 0.5
    found = [(columns * crop).sum() / crop.sum(), (rows * crop).sum() / crop.sum()]
    np.testing.assert_allclose(
        found, placement.apply(np.array([[x, y]], dtype=float))[0], atol=0.15
    )


def test_a_whole_picture_is_made_to_fit_with_a_border(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    Image.fromarray(np.full((50, 100, 3), 200, np.uint8)).save(path)
    picture = ScaledPicture.open(path, path.read_bytes())
    placement = place_whole(100, 50, size=40)
    crop = warp(picture, placement, size=40, border=(9, 8, 7))
    assert (crop[20] == 200).all()
    assert (crop[:9] == (9, 8, 7)).all()
    assert (crop[31:] == (9, 8, 7)).all()
