from __future__ import annotations

import numpy as np
import pytest

from fertools.synth.expressions import EMOTION_CODES, draw_habits, draw_pose
from fertools.synth.head import LEFT_EYE, RIGHT_EYE, find_data, load_head
from fertools.synth.sitting import Studio, invite, mesh_points, open_studio, pose_for, take_picture
from fertools.synth.subdivision import split


class TestSubdivision:
    CUBE = np.array(
        [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    )

    def test_a_cube_gives_24_quads_and_weights_that_sum_to_one(self) -> None:
        result = split(self.CUBE, 8, smooth=True)
        assert result.quads.shape == (24, 4)
        assert result.matrix.shape == (26, 8)
        assert np.allclose(result.matrix.sum(axis=1), 1.0)

    def test_corners_of_a_cube_go_where_catmull_and_clark_say(self) -> None:
        corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
        moved = split(self.CUBE, 8, smooth=True).matrix @ corners
        # n = 3: (Q + 2 R) / 3 with Q = the mean of faces (1/3 each), R = of edge middles (2/3)
        assert np.allclose(np.abs(moved[:8]), (1 / 3 + 2 * 2 / 3) / 3)

    def test_a_flat_border_stays_in_its_plane(self) -> None:
        quads = np.array([[0, 1, 4, 3], [1, 2, 5, 4]])
        points = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [1, 1, 0], [2, 1, 0]], float)
        smooth = split(quads, 6, smooth=True).matrix @ points
        assert np.allclose(smooth[:, 2], 0)
        assert smooth[:, 1].min() >= 0


class TestExpressions:
    def test_gaze_and_blink_do_not_depend_on_the_emotion(self) -> None:
        eyes: dict[str, list[float]] = {emotion: [] for emotion in EMOTION_CODES}
        for person in range(150):
            habits = draw_habits([3, person])
            for number, emotion in enumerate(EMOTION_CODES):
                intensity = 0 if emotion == "neutral" else 4
                seed = [3, person, number]
                units = draw_pose(habits, seed, emotion=emotion, intensity=intensity).units
                up = units.get("eyeLookUpLeft", 0.0) - units.get("eyeLookDownLeft", 0.0)
                eyes[emotion].append(up)
        means = [float(np.mean(values)) for values in eyes.values()]
        assert max(means) - min(means) < 0.08

    def test_a_stronger_intensity_moves_the_face_more(self) -> None:
        for emotion in set(EMOTION_CODES) - {"neutral"}:
            strength = []
            for level in (1, 4):
                poses = [
                    draw_pose(draw_habits([1, k]), [1, k], emotion=emotion, intensity=level)
                    for k in range(20)
                ]
                strength.append(np.mean([sum(pose.action_units.values()) for pose in poses]))
            assert strength[1] > 2.5 * strength[0]

    def test_people_show_an_emotion_in_several_ways(self) -> None:
        shown = set()
        for person in range(40):
            habits = draw_habits([2, person])
            pose = draw_pose(habits, [2, person], emotion="anger", intensity=4)
            shown.add(frozenset(pose.action_units))
        assert len(shown) >= 4

    def test_every_unit_of_a_recipe_exists_in_the_data(self) -> None:
        head = load_head(find_data())
        known = set(head.units())
        for person in range(30):
            for emotion in EMOTION_CODES:
                level = 0 if emotion == "neutral" else 4
                pose = draw_pose(
                    draw_habits([9, person]), [9, person], emotion=emotion, intensity=level
                )
                assert set(pose.units) <= known


@pytest.fixture(scope="module")
def studio() -> Studio:
    return open_studio("8k", 64)


class TestSitting:
    def test_an_open_mouth_lowers_the_chin(self, studio: Studio) -> None:
        sitter = invite(studio, [0, 1], male=True)
        mesh = studio.topology.f3d
        calm = pose_for(studio, sitter, emotion="neutral", intensity=0)
        shock = pose_for(studio, sitter, emotion="surprise", intensity=4)
        lowest = [mesh_points(mesh, sitter, shot, hair=False)[:, 1].min() for shot in (calm, shock)]
        assert lowest[1] < lowest[0] - 3.0

    def test_lids_stay_outside_the_eyeballs(self, studio: Studio) -> None:
        sitter = invite(studio, [0, 0], male=False)
        mesh = studio.topology.f3d
        shot = pose_for(studio, sitter, emotion="happiness", intensity=4)
        points = mesh_points(mesh, sitter, shot, hair=False)
        rest = mesh.matrix @ sitter.neutral
        for eye in (LEFT_EYE, RIGHT_EYE):
            ball = rest[mesh.part == eye]
            middle = 0.5 * (ball.min(axis=0) + ball.max(axis=0))
            radius = 0.5 * (ball[:, 0].max() - ball[:, 0].min())
            middle[2] = ball[:, 2].max() - radius
            arm = points[mesh.part == 0] - middle
            front = arm[:, 2] > 0.3 * radius
            assert np.linalg.norm(arm[front], axis=1).min() > radius

    def test_pictures_use_the_range_of_eight_bits(self, studio: Studio) -> None:
        sitter = invite(studio, [0, 0], male=False)
        shot = pose_for(studio, sitter, emotion="neutral", intensity=0)
        picture = take_picture(studio, sitter, shot)
        assert picture.shape == (64, 64, 3)
        assert 60 < np.median(picture[20:50, 15:40]) < 230
