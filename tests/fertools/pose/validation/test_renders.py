"""Renders of stand-in heads: their truth, their files, and runs that are taken up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fertools.errors import ConfigError
from fertools.landmarks import read_landmark_table
from fertools.manifest import read_manifest
from fertools.pose.validation.plan import RenderPlan
from fertools.pose.validation.renders import RenderSummary, draw, render_plan

PLAN = RenderPlan(seed=3, uniform=4, grid=0)
FIRST = next(PLAN.chunks()).renders[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RenderSummary:
    return render_plan(PLAN, tmp_path_factory.mktemp("renders") / "set")


def points_of(summary: RenderSummary) -> list[np.ndarray]:
    table = read_landmark_table(summary.manifest.path.parent)
    rows = table.of(summary.manifest.frame["sample_id"].tolist())
    return [points for points in rows if points is not None]


def test_the_manifest_has_the_poses_that_were_asked_for(made: RenderSummary) -> None:
    read = read_manifest(made.manifest.path)
    assert read.info.synthetic
    renders = next(PLAN.chunks()).renders
    frame = read.frame.set_index("sample_id").loc[[r.sample_id for r in renders]]
    assert frame["yaw_deg"].tolist() == pytest.approx([r.yaw_deg for r in renders])
    assert frame["pitch_deg"].tolist() == pytest.approx([r.pitch_deg for r in renders])
    assert set(frame["pose_source"]) == {"ground_truth"}
    assert made.num_made == 4


def test_every_picture_has_68_landmarks_on_the_face(made: RenderSummary) -> None:
    points = points_of(made)
    assert [len(p) for p in points] == [68] * 4
    for name, marks in zip(made.manifest.frame["image"], points, strict=True):
        picture = np.asarray(Image.open(made.manifest.root / name))
        assert picture.shape == (256, 256, 3)
        assert ((marks[17:] > -30) & (marks[17:] < 286)).all()


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(60, 0, 0), (-60, 0, 0), (0, 25, 0), (0, 0, 15)]
)
def test_the_landmarks_turn_as_the_angles_say(yaw: float, pitch: float, roll: float) -> None:
    ahead = replace(FIRST, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0)
    turned = replace(ahead, yaw_deg=float(yaw), pitch_deg=float(pitch), roll_deg=float(roll))
    (_, before), (_, after) = draw(ahead), draw(turned)
    first, second = (np.reshape(t["points"], (-1, 2)) for t in (before, after))
    nose = (second[30] - second[36:48].mean(axis=0)) - (first[30] - first[36:48].mean(axis=0))
    eyes = second[42:48].mean(axis=0) - second[36:42].mean(axis=0)
    if yaw:
        assert np.sign(nose[0]) == np.sign(yaw)
    if pitch:
        assert nose[1] < 0  # up
    if roll:
        assert eyes[1] > 0  # clockwise: the right one of the picture goes down
    assert before["eye_px"] == after["eye_px"]
    assert before["eye_px"] == pytest.approx(
        np.hypot(*(first[42:48].mean(axis=0) - first[36:42].mean(axis=0))), rel=0.05
    )


def test_a_second_run_makes_nothing_and_a_longer_one_the_rest(
    made: RenderSummary, tmp_path: Path
) -> None:
    folder = made.manifest.path.parent
    before = {p.name: p.read_bytes() for p in (folder / "images").iterdir()}
    again = render_plan(PLAN, folder)
    assert again.num_made == 0
    assert again.manifest.info.digest == made.manifest.info.digest
    name = sorted(before)[2]
    (folder / "images" / name).unlink()
    mended = render_plan(PLAN, folder)
    assert mended.num_made == 4  # its chunk
    assert {p.name: p.read_bytes() for p in (folder / "images").iterdir()} == before
    fewer = render_plan(replace(PLAN, uniform=2), folder)
    assert fewer.num_made == 0
    assert len(fewer.sample_ids) == 2
    assert len(fewer.manifest.frame) == 4


def test_the_renders_of_another_seed_are_left_alone(made: RenderSummary) -> None:
    with pytest.raises(ConfigError, match=r"holds renders of seed 3 .* expected 4"):
        render_plan(replace(PLAN, seed=4), made.manifest.path.parent)


def test_a_strangers_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(ConfigError, match="holds other files"):
        render_plan(PLAN, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.doc", ".lock"}
