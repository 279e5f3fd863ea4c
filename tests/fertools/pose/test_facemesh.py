"""The face mesh estimator: signs on renders and photographs, faces that are none, wrong files."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pose_batches import batch_of

from fertools.errors import ConfigError, MissingExtraError, ModelError
from fertools.geometry import FloatArray, angles_from_rotation, rotation_from_angles
from fertools.pictures import read_picture
from fertools.pose.canonical_face import NUM_POINTS, canonical_face
from fertools.pose.crops import Region, cut, find_faces, shrunk
from fertools.pose.estimators.facemesh import FaceMeshEstimator, FaceMeshOptions, open_facemesh
from fertools.pose.registry import PoseEstimates, choose_options, get_estimator

Pixels = npt.NDArray[np.uint8]

REPOSITORY = Path(__file__).resolve().parents[3]
PHOTOS = REPOSITORY.parent / "shared" / "photos"
ANGLES = ((0.0, 0.0, 0.0), (-35.0, 5.0, 0.0), (35.0, -5.0, 0.0), (0.0, 20.0, 20.0), (5.0, -20.0, 0))


def model_path() -> Path:
    """The model's file; skips where there is none."""
    named = os.environ.get("FERTOOLS_FACEMESH")
    path = Path(named or REPOSITORY / ".venv" / "facemesh" / "face_landmark.tflite")
    if not path.is_file():
        pytest.skip(f"no model at {path}: scripts/fetch_facemesh.sh .venv/facemesh")
    return path


@pytest.fixture(scope="module")
def estimator() -> FaceMeshEstimator:
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("needs the extra 'facemesh'")
    return open_facemesh(FaceMeshOptions(file=model_path()))


@pytest.fixture(scope="module")
def renders() -> list[Pixels]:
    """One stand-in, turned by ANGLES."""
    for package, extra in (("anny", "synth"), ("facenet_pytorch", "zoo")):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the extra {extra!r}")
    from fertools.render.camera import Camera
    from fertools.synth.ibug import ibug68_vertices
    from fertools.synth.portrait import compose, take_portrait
    from fertools.synth.shading import Lights
    from fertools.synth.sitting import invite, open_studio, pose_for

    studio = open_studio("8k", 192)
    sitter = invite(studio, [3, 1], male=True)
    shot = pose_for(studio, sitter, emotion="neutral", intensity=0)
    lamps = np.array([[0.3, 0.5, 0.8], [-0.5, 0.2, 0.8]])
    lamps /= np.linalg.norm(lamps, axis=1)[:, None]
    wall = np.full((224, 224, 3), (110, 130, 140), np.uint8)
    return [
        compose(
            take_portrait(
                studio,
                sitter,
                shot,
                rotation=rotation_from_angles(*angles),
                lights=Lights(lamps, np.full((2, 3), 0.6), np.zeros(2)),
                camera=Camera(224, 380.0, distance_mm=900.0),
                vertices=ibug68_vertices(studio.topology.raw),
            ),
            wall,
        )
        for angles in ANGLES
    ]


@pytest.fixture(scope="module")
def found(estimator: FaceMeshEstimator, renders: list[Pixels]) -> PoseEstimates:
    return estimator.estimate(batch_of(renders))


def angles_of(rotations: FloatArray) -> FloatArray:
    return np.array([angles_from_rotation(rotation) for rotation in rotations])


def test_renders_to_all_sides_have_their_angles(found: PoseEstimates) -> None:
    assert found.reasons == [None] * len(ANGLES)
    assert found.num_faces.tolist() == [1] * len(ANGLES)
    assert (found.confidence > 0.9).all()
    assert np.abs(angles_of(found.rotations) - np.array(ANGLES)).max() < 9


def test_a_mirrored_picture_has_the_mirrored_pose(
    estimator: FaceMeshEstimator, renders: list[Pixels], found: PoseEstimates
) -> None:
    mirrored = [np.ascontiguousarray(picture[:, ::-1]) for picture in renders[:2]]
    there = angles_of(estimator.estimate(batch_of(mirrored)).rotations)
    here = angles_of(found.rotations[:2])
    assert np.abs(there - here * [-1, 1, -1]).max() < 2


def test_the_set_s_own_box_is_taken_without_a_detector(
    estimator: FaceMeshEstimator, renders: list[Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fertools.align.mtcnn.load_mtcnn", None)
    boxes = np.array([[65.0, 50.0, 160.0, 175.0]] * 2)
    there = estimator.estimate(batch_of(renders[1:3], boxes=boxes))
    assert there.num_faces.tolist() == [-1, -1]
    assert np.abs(angles_of(there.rotations) - np.array(ANGLES[1:3])).max() < 9


def test_other_pictures_beside_it_change_nothing(
    estimator: FaceMeshEstimator, renders: list[Pixels], found: PoseEstimates
) -> None:
    alone = estimator.estimate(batch_of(renders[1:2]))
    np.testing.assert_allclose(alone.rotations[0], found.rotations[1], atol=1e-3)


def test_a_large_picture_has_the_pose_of_a_small_one(
    estimator: FaceMeshEstimator, renders: list[Pixels], found: PoseEstimates
) -> None:
    large = np.kron(renders[1], np.ones((5, 5, 1), np.uint8))
    there = angles_of(estimator.estimate(batch_of([large])).rotations)
    assert np.abs(there - angles_of(found.rotations[1:2])).max() < 3


def test_a_picture_without_a_face_has_a_reason(
    estimator: FaceMeshEstimator, renders: list[Pixels]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 90, 3), dtype=np.uint8)
    nothing = estimator.estimate(batch_of([np.zeros((90, 120, 3), np.uint8), noise]))
    assert nothing.reasons == ["no face was found"] * 2
    assert nothing.num_faces.tolist() == [0, 0]
    assert np.isnan(nothing.rotations).all()
    assert np.isnan(nothing.confidence).all()


def test_a_box_without_a_face_has_a_low_confidence(estimator: FaceMeshEstimator) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (120, 120, 3), dtype=np.uint8)
    boxes = np.array([[20.0, 20.0, 100.0, 100.0], [-500.0, -500.0, -400.0, -400.0]])
    there = estimator.estimate(batch_of([noise, noise], boxes=boxes))
    assert (np.nan_to_num(there.confidence) < 0.5).all()


def test_of_two_faces_the_larger_is_taken(
    estimator: FaceMeshEstimator, renders: list[Pixels], found: PoseEstimates
) -> None:
    both = np.concatenate(
        [
            np.kron(renders[1], np.ones((2, 2, 1), np.uint8)),
            np.zeros_like(np.kron(renders[1], np.ones((2, 2, 1), np.uint8))),
        ],
        axis=1,
    )
    both[:224, 448:672] = renders[2]
    there = estimator.estimate(batch_of([both]))
    assert there.num_faces.tolist() == [2]
    assert angles_of(there.rotations)[0, 0] < -25


@pytest.mark.parametrize(
    ("name", "low", "high"), [("face_turned_a", -25, -6), ("face_turned_b", 6, 20)]
)
def test_photographs_are_turned_to_their_sides(
    estimator: FaceMeshEstimator, name: str, low: float, high: float
) -> None:
    path = PHOTOS / "us_government" / f"{name}.jpg"
    if not path.is_file():
        pytest.skip("../shared/photos is not there")
    if importlib.util.find_spec("facenet_pytorch") is None:
        pytest.skip("needs the extra 'zoo'")
    there = estimator.estimate(batch_of([read_picture(path)]))
    yaw, _, roll = angles_of(there.rotations)[0]
    assert low < yaw < high
    assert roll > 0


def test_frontal_photographs_look_ahead(estimator: FaceMeshEstimator) -> None:
    paths = sorted((PHOTOS / "london" / "neutral").glob("*.jpg"))[:3]
    if not paths:
        pytest.skip("../shared/photos is not there")
    if importlib.util.find_spec("facenet_pytorch") is None:
        pytest.skip("needs the extra 'zoo'")
    pictures = [read_picture(path, shortest=400) for path in paths]
    there = estimator.estimate(batch_of(pictures))
    assert np.abs(angles_of(there.rotations)[:, [0, 2]]).max() < 6
    assert (there.confidence > 0.9).all()


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "face_landmark.tflite"
    with pytest.raises(
        ModelError, match=r"there is no such model file; scripts/fetch_facemesh\.sh"
    ):
        open_facemesh(FaceMeshOptions(file=path))
    path.write_bytes(b"TFL3 and nothing more")
    with pytest.raises(ModelError, match=r"has the SHA-256 [0-9a-f]{64}, expected 2efcb4f4"):
        open_facemesh(FaceMeshOptions(file=path))
    with pytest.raises(ModelError, match="cannot be read: is a directory"):
        open_facemesh(FaceMeshOptions(file=tmp_path))


def test_bytes_that_are_no_model_are_refused(tmp_path: Path) -> None:
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("needs the extra 'facemesh'")
    import hashlib

    path = tmp_path / "a.tflite"
    path.write_bytes(b"TFL3 and nothing more")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest().upper()
    with pytest.raises(ModelError, match=r"a\.tflite: is not a TFLite model") as caught:
        open_facemesh(FaceMeshOptions(file=path, sha256=sha256))
    assert "\n" not in str(caught.value)


def test_a_model_of_other_shapes_is_refused(
    estimator: FaceMeshEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fertools.pose.face_mesh.NUM_POINTS", 478)  # as newer models have
    fault = r"takes and gives \[\[1, 192, 192, 3\], .*gives 1434 numbers"
    with pytest.raises(ModelError, match=fault):
        open_facemesh(FaceMeshOptions(file=model_path()))


def test_the_data_home_is_where_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    with pytest.raises(ModelError, match=f"{tmp_path}/models/face_landmark.tflite"):
        get_estimator("facemesh").open(choose_options("facemesh"))


def test_a_wrong_digest_is_an_option_error() -> None:
    with pytest.raises(ConfigError, match="estimator facemesh: 'sha256'"):
        choose_options("facemesh", sha256="abc")


def test_a_missing_runtime_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    path = model_path()
    monkeypatch.setattr("fertools.pose.face_mesh.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"'ai_edge_litert' is not installed.*\[facemesh\]"):
        open_facemesh(FaceMeshOptions(file=path))


def test_the_canonical_face_is_a_face() -> None:
    face = canonical_face()
    assert face.points.shape == (NUM_POINTS, 3)
    assert (face.spread > 0).all()
    assert (face.mirror[face.mirror] == np.arange(NUM_POINTS)).all()
    across = face.points[face.mirror] * [-1, 1, 1]
    np.testing.assert_allclose(across, face.points, atol=0.02)
    nose, chin, forehead, left, right = face.points[[1, 152, 10, 33, 263]]
    assert nose[2] == face.points[:, 2].max() or nose[2] > face.points[:, 2].max() - 3
    assert forehead[1] > nose[1] > chin[1]
    assert left[0] < 0 < right[0]
    assert 75 < right[0] - left[0] < 105  # outer corners of the eyes, mm


def test_a_region_and_its_way_back() -> None:
    region = Region(40.0, 30.0, 20.0, 25.0)
    corners = np.array([[0.0, 0.0], [96.0, 0.0], [96.0, 96.0]])
    there = region.undo(corners, 96)
    matrix = region.matrix(96)
    np.testing.assert_allclose(there @ matrix[:, :2].T + matrix[:, 2], corners, atol=1e-9)
    np.testing.assert_allclose(region.undo(np.array([[48.0, 48.0]]), 96), [[40.0, 30.0]])
    across = there[1] - there[0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(25.0)  # clockwise


def test_a_crop_shows_the_region_and_goes_on_at_the_edge() -> None:
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[10:20, 20:30] = 200
    assert (cut(picture, Region(25.0, 15.0, 10.0), size=10) == 200).all()
    assert (cut(picture[10:20, 20:30], Region(5.0, 5.0, 30.0), size=10) == 200).all()
    half = cut(picture, Region(30.0, 15.0, 20.0), size=8)
    assert half[4, 1, 0] == 200
    assert half[4, 6, 0] == 0


def test_a_large_face_is_shrunk_first() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    region = Region(600.0, 450.0, 800.0, 10.0)
    small, moved = shrunk(picture, region, size=100)
    assert small.shape == (225, 300, 3)
    assert (moved.x, moved.y, moved.side, moved.roll_deg) == (150.0, 112.5, 200.0, 10.0)
    same, kept = shrunk(picture, Region(600.0, 450.0, 300.0), size=100)
    assert same is picture
    assert kept.side == 300.0


def test_boxes_that_are_none_are_left_to_the_detector(renders: list[Pixels]) -> None:
    boxes = np.array([[10.0, 10.0, 10.0, 50.0], [50.0, 60.0, 170.0, 180.0]])
    places = {place.number: place for place in find_faces(batch_of(renders[:2], boxes=boxes))}
    assert places[0].num_faces == 1
    assert places[0].points is not None
    assert places[1].num_faces == -1
    assert places[1].box == (50.0, 60.0, 170.0, 180.0)


def test_it_does_not_load_the_runtime_before_it_is_opened() -> None:
    import subprocess

    code = (
        "import sys; from fertools.pose.registry import list_estimators; list_estimators(); "
        "print([m for m in ('torch', 'ai_edge_litert', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
