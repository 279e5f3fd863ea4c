"""What is taken for the true pose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fertools.errors import ManifestError
from fertools.manifest import Manifest
from fertools.pose.validation.truth import ALL, read_truth

MakeManifest = Callable[..., Manifest]
NAN = float("nan")


def test_poses_of_stand_ins_are_the_truth(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest([[10, 5, 1], [-40, 0, 0]]))
    assert truth.angles.tolist() == [[10, 5, 1], [-40, 0, 0]]
    assert truth.has_all_angles
    assert set(truth.parts) == {ALL}
    assert np.isnan(truth.eye_px).all()
    assert truth.rotations[1, 0, 2] == pytest.approx(np.sin(np.radians(-40)))


def test_a_cameras_place_is_a_yaw_alone(make_manifest: MakeManifest) -> None:
    truth = read_truth(make_manifest([[45, NAN, NAN]], source="camera"))
    assert truth.angles[0, 0] == 45
    assert np.isnan(truth.angles[0, 1:]).all()
    assert np.isnan(truth.rotations).all()
    assert not truth.has_all_angles


def test_an_estimate_is_no_truth(make_manifest: MakeManifest) -> None:
    manifest = make_manifest([[10, 5, 1], [20, 5, 1]], source="facemesh 1")
    with pytest.raises(ManifestError, match=r"pose_source 'facemesh 1' of 2 samples is no truth"):
        read_truth(manifest)


def test_a_pose_of_unknown_origin_is_no_truth(make_manifest: MakeManifest) -> None:
    manifest = make_manifest([[10, 5, 1]], source=None)
    with pytest.raises(ManifestError, match="pose_source 'unknown'"):
        read_truth(manifest)


def test_samples_without_a_pose_are_left_out_and_counted(make_manifest: MakeManifest) -> None:
    manifest = make_manifest([[10, 5, 1], [NAN, NAN, NAN], [3, 2, 1]])
    truth = read_truth(manifest)
    assert len(truth) == 2
    assert truth.where.tolist() == [True, False, True]
    assert truth.num_unknown == 1
    with pytest.raises(ManifestError, match="no pose is known"):
        read_truth(manifest, sample_ids=["s00001"])
