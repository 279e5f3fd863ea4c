from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fertools.errors import ScanError
from fertools.geometry import rotation_from_angles
from fertools.render.frontal import FRONTAL_LANDMARKS, FRONTAL_TEMPLATE_MM, frontal_rotation
from fertools.render.sheet import HIDDEN_RGB, VISIBLE_RGB, mark_landmarks, picture_grid


def test_landmarks_are_green_where_seen_and_red_where_hidden() -> None:
    picture = np.zeros((260, 260, 3), np.uint8)
    points = np.array([[50.5, 60.5], [200.5, 100.5], [1e9, 0.0]])
    marked = mark_landmarks(picture, points, np.array([True, False, True]))
    assert tuple(marked[60, 50]) == VISIBLE_RGB
    assert tuple(marked[100, 200]) == HIDDEN_RGB
    assert not picture.any()


def test_pictures_stand_in_their_row_and_column() -> None:
    def colour(row: int, column: int) -> tuple[int, int, int]:
        return (100 + 10 * row + column, 0, 200)

    cells = [[np.full((40, 40, 3), colour(r, c), np.uint8) for c in range(3)] for r in range(2)]
    page = np.asarray(picture_grid([("a", cells[0]), ("b", cells[1][:2])], ["x", "y", "z"], "t"))
    found = {
        (r, c): np.argwhere((page == colour(r, c)).all(axis=2)) for r in range(2) for c in range(3)
    }
    for place in ((0, 0), (0, 2), (1, 1)):
        assert len(found[place]) == 40 * 40
    assert found[0, 2][:, 1].min() > found[0, 0][:, 1].max()
    assert found[1, 1][:, 0].min() > found[0, 0][:, 0].max()
    assert len(found[1, 2]) == 0


class TestFrontal:
    def turned(self, yaw: float, pitch: float, roll: float) -> np.ndarray:
        points = np.zeros((83, 3))
        shifted = FRONTAL_TEMPLATE_MM + np.array([3.0, -7.0, 11.0])
        points[list(FRONTAL_LANDMARKS)] = shifted @ rotation_from_angles(yaw, pitch, roll).T
        return points

    @pytest.mark.parametrize("angles", [(0, 0, 0), (9, -6, 4), (-15, 10, -8)])
    def test_a_known_turn_is_undone(
        self, angles: tuple[float, float, float], tmp_path: Path
    ) -> None:
        back = frontal_rotation(self.turned(*angles), tmp_path)
        assert np.allclose(back @ rotation_from_angles(*angles), np.eye(3), atol=1e-4)

    def test_landmarks_numbered_from_the_other_side_give_the_same(self, tmp_path: Path) -> None:
        points = self.turned(9, -6, 4)
        other = points.copy()
        other[[0, 4, 8, 12, 39, 44]] = points[[8, 12, 0, 4, 44, 39]]
        assert np.array_equal(frontal_rotation(points, tmp_path), frontal_rotation(other, tmp_path))

    def test_eyes_that_are_on_one_side_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ScanError, match=r"a\.bnd: the outer corners .* cannot be frontalised"):
            frontal_rotation(self.turned(85, 0, 0), tmp_path / "a.bnd")
