"""landmarks68, landmarks5 and mtcnn: reasons, confidence, signs, and how far they are off."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fertools.errors import ConfigError
from fertools.geometry import FloatArray, rotation_from_angles
from fertools.pictures import read_picture
from fertools.pose.conventions import get_convention
from fertools.pose.estimators.landmarks5 import Landmarks5
from fertools.pose.estimators.landmarks68 import Landmarks68
from fertools.pose.estimators.mtcnn import MtcnnOptions, MtcnnPose, open_mtcnn
from fertools.pose.face_shape import FIVE_OF_68, face_shape, face_shape_digest
from fertools.pose.registry import FaceBatch, PoseEstimates, choose_options
from fertools.render.camera import Camera

Pixels = npt.NDArray[np.uint8]

SIDE = 300
PHOTOS = Path(__file__).resolve().parents[4] / "shared" / "photos" / "us_government"
BOTH = pytest.mark.parametrize("estimator", [Landmarks68(), Landmarks5()])
EXCHANGE = [1, 0, 2, 4, 3]


def batch_of(
    faces: Sequence[FloatArray | None] = (), *, pictures: Sequence[Pixels] = (), side: int = SIDE
) -> FaceBatch:
    """Samples with landmarks or with pictures."""
    size = max(len(faces), len(pictures))
    sizes = [picture.shape[1::-1] for picture in pictures] or [(side, side)] * size
    return FaceBatch(
        sample_ids=[str(n) for n in range(size)],
        images=[f"{n}.png" for n in range(size)],
        sizes=np.array(sizes, dtype=np.int64),
        landmarks=list(faces) or [None] * size,
        boxes=np.full((size, 4), np.nan),
        angles=np.full((size, 3), np.nan),
        sources=[None] * size,
        load=lambda n: pictures[n],
    )


def see(angles: tuple[float, float, float], head: FloatArray | None = None) -> FloatArray:
    """The 68 points of a head, by default the mean one, in a picture of SIDE pixels."""
    rotation = rotation_from_angles(*angles)
    head = face_shape().mean if head is None else head
    camera = Camera(SIDE, 300.0, distance_mm=700.0)
    return camera.project(head, rotation, np.zeros(3)).screen[:, :2]


def angles_of(estimates: PoseEstimates) -> FloatArray:
    """Yaw, pitch and roll."""
    return get_convention("fertools").angles(estimates.rotations)


@cache
def standin_heads() -> FloatArray:
    """Stand-in people that the face shape was not made of, ``(N, 68, 3)``."""
    if importlib.util.find_spec("anny") is None:
        pytest.skip("needs the extra 'synth'")
    from fertools.synth.ibug import ibug68_vertices
    from fertools.synth.moods import express
    from fertools.synth.portrait import HEAD_CENTRE
    from fertools.synth.sitting import invite, mesh_points, open_studio

    studio = open_studio("8k", 64)
    mesh = studio.topology.raw
    moods = ("neutral", "happiness", "surprise", "anger", "disgust", "fear", "sadness", "none")
    heads = []
    for number in range(32):
        sitter = invite(studio, [0, 902, number], male=number % 2 == 1)
        mood = moods[number % len(moods)]
        level = 0 if mood == "neutral" else 1 + number % 4
        shot = express(studio, sitter, mood, level, seed=[0, 902, number, 1])
        heads.append(mesh_points(mesh, sitter, shot, hair=False)[ibug68_vertices(mesh)])
    return np.array(heads) - HEAD_CENTRE


def turned_heads(number: int, yaw_deg: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points, angles and the eyes' distance in pixels of stand-ins before all sorts of cameras."""
    heads = standin_heads()
    rng = np.random.default_rng(4)
    angles = rng.uniform([-yaw_deg, -30, -30], [yaw_deg, 30, 30], (number, 3))
    points, eyes = [], []
    for n, row in enumerate(angles):
        far = 170.0 / float(np.tan(np.radians(rng.uniform(20, 80) / 2)))
        camera = Camera(SIDE, 340.0, distance_mm=far)
        head = heads[n % len(heads)]
        seen = camera.project(head, rotation_from_angles(*row.tolist()), np.zeros(3)).screen
        points.append(seen[:, :2])
        left, right = (FIVE_OF_68 @ head)[:2]
        eyes.append(float(np.linalg.norm(right - left)) * SIDE / 340.0)
    return np.array(points), angles, np.array(eyes)


@BOTH
@pytest.mark.parametrize("angles", [(40, 0, 0), (-40, 0, 0), (0, 25, 0), (0, -25, 0), (0, 0, 30)])
def test_signs(estimator: Landmarks68 | Landmarks5, angles: tuple[float, float, float]) -> None:
    found = estimator.estimate(batch_of([see(angles)]))
    assert angles_of(found)[0] == pytest.approx(angles, abs=1)
    assert found.confidence[0] > 0.95
    assert found.reasons == [None]
    assert found.num_faces.tolist() == [-1]


@pytest.mark.parametrize(("noise", "yaw", "pitch"), [(0.0, 2, 3), (0.03, 4, 5)])
def test_68_landmarks_keep_what_is_promised_on_new_people(
    noise: float, yaw: float, pitch: float
) -> None:
    points, angles, eyes = turned_heads(400, 60)
    rng = np.random.default_rng(5)
    points = points + noise * eyes[:, None, None] * rng.normal(0, 1, points.shape)
    error = np.abs(angles_of(Landmarks68().estimate(batch_of(list(points)))) - angles)
    assert error.mean(axis=0)[0] < yaw
    assert error.mean(axis=0)[1] < pitch


def test_who_is_turned_by_more_than_30_degrees_is_decided_well() -> None:
    points, angles, _ = turned_heads(600, 90)
    for estimator, least in ((Landmarks68(), 0.95), (Landmarks5(), 0.9)):
        says = np.abs(angles_of(estimator.estimate(batch_of(list(points))))[:, 0]) > 30
        is_so = np.abs(angles[:, 0]) > 30
        assert (says & is_so).sum() / says.sum() >= least
        assert (says & is_so).sum() / is_so.sum() >= least


def test_five_wrong_points_of_68_change_little() -> None:
    points, angles, eyes = turned_heads(100, 60)
    rng = np.random.default_rng(6)
    for face, size in zip(points, eyes, strict=True):
        way = rng.uniform(0, 2 * np.pi, 5)
        face[rng.permutation(68)[:5]] += 0.5 * size * np.column_stack([np.cos(way), np.sin(way)])
    error = np.abs(angles_of(Landmarks68().estimate(batch_of(list(points)))) - angles)
    assert (error.mean(axis=0)[:2] < [2, 3]).all()


def test_confidence_falls_with_noise_and_is_low_for_no_face() -> None:
    rng = np.random.default_rng(7)
    face = see((20, 5, 0))
    noisy = [face + 59 * noise * rng.normal(0, 1, face.shape) for noise in (0, 0.03, 0.07, 0.15)]
    there = Landmarks68().estimate(batch_of(noisy)).confidence
    assert (np.diff(there) < 0).all()
    assert there[0] > 0.95
    assert there[1] > 0.8
    assert there[3] < 0.5
    nothing = rng.uniform(0, SIDE, (200, 68, 2))
    assert np.nanmax(Landmarks68().estimate(batch_of(list(nothing))).confidence) < 0.1
    five = Landmarks5().estimate(batch_of(list(nothing[:, :5]))).confidence
    assert np.nanquantile(five, 0.9) < 0.5


@BOTH
def test_no_pose_without_landmarks(estimator: Landmarks68 | Landmarks5) -> None:
    found = estimator.estimate(batch_of([None, see((0, 0, 0)), np.zeros((39, 2))]))
    assert found.reasons[0] == "the set has no landmarks of this picture"
    assert found.reasons[1] is None
    assert str(found.reasons[2]).startswith("the picture has 39 landmarks; this estimator takes")
    assert np.isnan(found.rotations[[0, 2]]).all()
    assert np.isnan(found.confidence[[0, 2]]).all()


@BOTH
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda face: np.where(np.arange(len(face))[:, None] == 2, np.nan, face), "not a number"),
        (lambda face: np.full_like(face, np.inf), "a landmark is not a number"),
        (lambda face: np.full_like(face, 1e300), "the landmarks lie outside the picture"),
        (lambda face: face + np.array([0, 2 * SIDE]), "the landmarks lie outside the picture"),
        (lambda face: face + np.array([SIDE / 2 + 40, 0]), "the landmarks lie outside the picture"),
        (lambda face: face * 0 + 7, "the landmarks lie in one place"),
        (lambda face: face * 0.001 + 100, "the landmarks lie in one place"),
        (lambda face: face[:, :1] * [1.0, 0.5], "the landmarks are collinear"),
        (lambda face: face * [1.0, 0.001] + [0, 50], "the landmarks are collinear"),
    ],
)
def test_points_that_are_no_face_give_no_pose(
    estimator: Landmarks68 | Landmarks5, change: object, reason: str
) -> None:
    face = see((10, 0, 0))
    if isinstance(estimator, Landmarks5):
        face = FIVE_OF_68 @ face
    found = estimator.estimate(batch_of([change(face), see((10, 0, 0))]))  # type: ignore[operator]
    assert reason in str(found.reasons[0])
    assert np.isnan(found.rotations[0]).all()
    assert found.reasons[1] is None


def test_a_face_that_the_edge_cuts_has_a_pose() -> None:
    found = Landmarks68().estimate(batch_of([see((10, 0, 0)) - [SIDE / 2 - 20, 0]]))
    assert found.reasons == [None]


def test_mirrored_landmarks_give_no_pose() -> None:
    mirrored = [see((yaw, 5, 3)) * [-1, 1] + [SIDE, 0] for yaw in range(-60, 61, 10)]
    found = Landmarks68().estimate(batch_of(mirrored))
    assert set(found.reasons) == {"the landmarks look mirrored: left and right are exchanged"}
    profile = Landmarks68().estimate(batch_of([see((88, 0, 0)) * [-1, 1] + [SIDE, 0]]))
    assert angles_of(profile)[0, 0] == pytest.approx(-90, abs=6)  # it cannot be told, but is right


def test_five_points_named_from_the_person_s_side_are_exchanged() -> None:
    for yaw in (-60.0, -20.0, 0.0, 45.0):
        five = FIVE_OF_68 @ see((yaw, 5, 3))
        here, there = (
            Landmarks5().estimate(batch_of([points])) for points in (five, five[EXCHANGE])
        )
        assert there.reasons == [None]
        np.testing.assert_array_equal(here.rotations, there.rotations)


def test_five_points_in_a_mirrored_picture_look_to_the_other_side() -> None:
    mirrored = FIVE_OF_68 @ see((35, 5, 10)) * [-1, 1] + [SIDE, 0]
    found = Landmarks5().estimate(batch_of([mirrored]))
    assert angles_of(found)[0] == pytest.approx((-35, 5, -10), abs=1)


def test_68_landmarks_serve_as_five() -> None:
    face = see((-30, 10, 5))
    both = Landmarks5().estimate(batch_of([face, FIVE_OF_68 @ face]))
    np.testing.assert_array_equal(both.rotations[0], both.rotations[1])


def test_landmarks_without_a_nose_tip_give_no_pose() -> None:
    found = Landmarks5().estimate(batch_of([np.zeros((83, 2)), np.zeros((5, 2)) * np.nan]))
    assert found.reasons == [
        "the scheme of 83 landmarks has no nose tip",
        "a landmark is not a number",
    ]


@BOTH
def test_a_sample_s_pose_does_not_depend_on_the_batch(estimator: Landmarks68 | Landmarks5) -> None:
    rng = np.random.default_rng(8)
    faces: list[FloatArray | None] = [
        see((float(yaw), 0, 0)) + rng.normal(0, 2, (68, 2)) for yaw in range(-80, 90, 20)
    ]
    faces[3] = None
    whole = estimator.estimate(batch_of(faces))
    for n, face in enumerate(faces):
        alone = estimator.estimate(batch_of([face]))
        np.testing.assert_array_equal(alone.rotations[0], whole.rotations[n])
        np.testing.assert_array_equal(alone.confidence[0], whole.confidence[n])


@BOTH
def test_the_version_tells_the_face_shape(estimator: Landmarks68 | Landmarks5) -> None:
    assert estimator.version.endswith(f"face shape {face_shape_digest()}")


@BOTH
def test_an_empty_batch_has_no_poses(estimator: Landmarks68 | Landmarks5) -> None:
    assert estimator.estimate(batch_of()).rotations.shape == (0, 3, 3)


def need_detector() -> None:
    """Skip where the extra is missing."""
    for package in ("torch", "torchvision", "facenet_pytorch"):
        if importlib.util.find_spec(package) is None:
            pytest.skip("needs the extra 'zoo'")


@cache
def portraits() -> tuple[list[Pixels], FloatArray]:
    """A stand-in turned to both sides, and its 68 points, ``(2, 68, 2)``."""
    if importlib.util.find_spec("anny") is None:
        pytest.skip("needs the extra 'synth'")
    from fertools.synth.ibug import ibug68_vertices
    from fertools.synth.portrait import compose, take_portrait
    from fertools.synth.shading import Lights
    from fertools.synth.sitting import invite, open_studio, pose_for

    studio = open_studio("8k", 64)
    sitter = invite(studio, [3, 1], male=True)
    shot = pose_for(studio, sitter, emotion="neutral", intensity=0)
    lights = Lights(np.array([[0.0, 0.6, 0.8]]), np.full((1, 3), 1.1), np.zeros(1))
    pictures, points = [], []
    for yaw in (-32.0, 32.0):
        portrait = take_portrait(
            studio,
            sitter,
            shot,
            rotation=rotation_from_angles(yaw, 5.0),
            lights=lights,
            camera=Camera(160, 380.0, distance_mm=1200.0),
            vertices=ibug68_vertices(studio.topology.raw),
        )
        pictures.append(compose(portrait, np.full((160, 160, 3), (110, 130, 140), np.uint8)))
        points.append(portrait.points)
    return pictures, np.array(points)


def test_renders_to_both_sides_have_their_signs() -> None:
    pictures, points = portraits()
    faces = list(points)
    for estimator in (Landmarks68(), Landmarks5()):
        found = angles_of(estimator.estimate(batch_of(faces, side=160)))
        np.testing.assert_allclose(found[:, 0], [-32, 32], atol=4)
        np.testing.assert_allclose(found[:, 1], 5, atol=8)
    need_detector()
    there = open_mtcnn(MtcnnOptions()).estimate(batch_of(pictures=pictures))
    np.testing.assert_allclose(angles_of(there)[:, 0], [-32, 32], atol=15)
    assert there.num_faces.tolist() == [1, 1]
    assert (there.confidence > 0.5).all()


def test_pictures_of_any_size_and_without_a_face(monkeypatch: pytest.MonkeyPatch) -> None:
    need_detector()
    (picture, _), _ = portraits()
    large = np.repeat(np.repeat(picture, 6, axis=0), 6, axis=1)  # is looked at smaller
    bare, tiny = np.full((90, 120, 3), 40, np.uint8), np.zeros((1, 1, 3), np.uint8)
    batch = batch_of(pictures=[picture, bare, large, tiny])
    found = MtcnnPose(MtcnnOptions()).estimate(batch)
    assert found.reasons == [None, "no face was found", None, "no face was found"]
    assert found.num_faces.tolist() == [1, 0, 1, 0]
    assert np.isnan(found.confidence[[1, 3]]).all()
    np.testing.assert_allclose(angles_of(found)[2], angles_of(found)[0], atol=5)
    monkeypatch.setattr("fertools.pose.estimators.mtcnn._PIXELS_AT_ONCE", 1)
    alone = MtcnnPose(MtcnnOptions()).estimate(batch)
    np.testing.assert_allclose(alone.rotations, found.rotations, atol=1e-4)


def test_no_pictures_no_poses() -> None:
    need_detector()
    found = MtcnnPose(MtcnnOptions()).estimate(batch_of())
    assert found.rotations.shape == (0, 3, 3)
    assert found.num_faces.shape == (0,)


def test_a_face_smaller_than_asked_for_is_not_found() -> None:
    need_detector()
    (picture, _), _ = portraits()
    wall = np.full((480, 480, 3), 120, np.uint8)
    wall[100:260, 200:360] = picture
    batch = batch_of(pictures=[wall])
    assert open_mtcnn(MtcnnOptions()).estimate(batch).reasons == [None]
    found = open_mtcnn(MtcnnOptions(min_face_size=200)).estimate(batch)
    assert found.reasons == ["no face was found"]


def test_the_detector_is_part_of_the_version() -> None:
    need_detector()
    from fertools.align.mtcnn import mtcnn_version

    version = open_mtcnn(MtcnnOptions()).version
    assert mtcnn_version() in version
    assert face_shape_digest() in version


def test_options_are_those_of_align() -> None:
    options = choose_options("mtcnn", sets=["min_face_size=40", "choose=central"])
    assert isinstance(options, MtcnnOptions)
    assert (options.min_face_size, options.choose) == (40, "central")
    with pytest.raises(ConfigError, match="'min_face_size': Input should be greater than or equal"):
        choose_options("mtcnn", sets=["min_face_size=3"])


@pytest.mark.parametrize(
    ("name", "low", "high"), [("face_turned_a", -21, -12), ("face_turned_b", 7, 15)]
)
def test_photographs_are_turned_to_their_sides(name: str, low: float, high: float) -> None:
    path = PHOTOS / f"{name}.jpg"
    if not path.is_file():
        pytest.skip("../shared/photos is not there")
    need_detector()
    found = open_mtcnn(MtcnnOptions()).estimate(batch_of(pictures=[read_picture(path)]))
    yaw, _, roll = angles_of(found)[0]
    assert low < yaw < high
    assert 0 < roll < 20  # both heads tilt a little clockwise
    assert found.confidence[0] > 0.8
