from __future__ import annotations

import numpy as np
import pytest
from align_portraits import Portraits, need_detector

from fertools.align.landmarks import five_points
from fertools.align.mtcnn import load_mtcnn, mtcnn_version
from fertools.align.pooling import AreaSums

THRESHOLDS = (0.6, 0.7, 0.7)


@pytest.fixture(autouse=True)
def _detector_is_installed() -> None:
    need_detector()


@pytest.mark.parametrize("size", [(12, 12), (33, 57), (90, 70)])
def test_areas_are_those_of_torch(size: tuple[int, int]) -> None:
    import torch

    pixels = np.random.default_rng(0).integers(0, 256, size=(64, 80, 3), dtype=np.uint8)
    sums = AreaSums(pixels)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    theirs = torch.nn.functional.interpolate(tensor, size=size, mode="area")[0].permute(1, 2, 0)
    np.testing.assert_allclose(sums.resize(*size), theirs.numpy(), rtol=1e-5)
    part = torch.nn.functional.interpolate(tensor[:, :, 5:40, 7:80], size=(24, 24), mode="area")
    boxes = np.array([[7, 5, 200, 40], [90, 90, 99, 99], [-9, -9, 3, 2]])
    cuts = sums.cut(boxes, 24)
    np.testing.assert_allclose(cuts[0], part[0].permute(1, 2, 0).numpy(), rtol=1e-5)
    assert not cuts[1].any()
    assert cuts[2].any()


def test_the_faces_are_those_of_facenet_pytorch(portraits: Portraits) -> None:
    from facenet_pytorch import MTCNN

    theirs = MTCNN(min_face_size=30, keep_all=True)
    pictures = [picture for picture, _ in portraits.values()]
    for picture, faces in zip(
        pictures, load_mtcnn(THRESHOLDS).detect(pictures, [30] * len(pictures)), strict=True
    ):
        boxes, probs, points = theirs.detect(picture, landmarks=True)
        assert len(faces) == len(boxes) == 1
        first_from_1 = np.array([1, 1, 0, 0])
        np.testing.assert_allclose(faces[0].box, boxes[0].astype(float) - first_from_1, atol=0.01)
        np.testing.assert_allclose(faces[0].points, points[0].astype(float), atol=0.01)
        assert faces[0].prob == pytest.approx(float(probs[0]), abs=1e-4)


def test_the_points_lie_on_the_features(portraits: Portraits) -> None:
    for name, (picture, landmarks) in portraits.items():
        (face,) = load_mtcnn(THRESHOLDS).detect([picture], [30])[0]
        known = five_points(landmarks)
        assert known is not None
        off = np.linalg.norm(face.points - known, axis=1) / (face.box[2] - face.box[0])
        assert off.max() < 0.15, name


def test_pictures_of_other_sizes_beside_them_change_nothing(portraits: Portraits) -> None:
    picture = portraits["frontal"][0]
    larger = np.pad(picture, ((0, 31), (0, 7), (0, 0)), mode="edge")
    detector = load_mtcnn(THRESHOLDS)
    (alone,) = detector.detect([picture], [30])[0]
    bare = np.zeros((40, 300, 3), np.uint8)
    among = detector.detect([larger, bare, picture, picture[:, :10]], [30, 30, 30, 30])
    assert [len(faces) for faces in among] == [1, 0, 1, 0]
    np.testing.assert_allclose(among[2][0].box, alone.box, atol=1e-3)


def test_two_faces_are_two(portraits: Portraits) -> None:
    both = np.concatenate([portraits["frontal"][0], portraits["tilted"][0]], axis=1)
    faces = load_mtcnn(THRESHOLDS).detect([both], [30])[0]
    assert len(faces) == 2
    assert min(face.box[0] for face in faces) < 160 < max(face.box[0] for face in faces)


def test_torch_has_its_threads_back(portraits: Portraits) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    load_mtcnn(THRESHOLDS).detect([portraits["frontal"][0]], [30])
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_the_version_names_the_package_and_its_weights() -> None:
    assert mtcnn_version().startswith("facenet-pytorch 2.")
    assert ", weights " in mtcnn_version()


def test_no_pictures_and_no_candidates_are_no_faces() -> None:
    detector = load_mtcnn(THRESHOLDS)
    assert detector.detect([], []) == []
    assert detector.detect([np.zeros((8, 8, 3), np.uint8)], [20]) == [[]]
