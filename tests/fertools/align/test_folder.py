from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from align_portraits import Portraits, need_detector
from PIL import Image
from typer.testing import CliRunner

from cli.align_commands import align
from cli.runner import new_app
from fertools.align.folder import align_folder
from fertools.align.recipe import AlignConfig
from fertools.align.template import template_points
from fertools.errors import ConfigError, PictureError
from fertools.manifest import Manifest

PHOTOS = Path(__file__).resolve().parents[3].parent / "shared" / "photos"


def call(*words: str | Path, status: int = 0) -> tuple[str, str]:
    app = new_app("Alone here, as one of several commands.")
    app.command("align")(align)
    app.command("other")(lambda: None)
    result = CliRunner().invoke(app, ["align", *map(str, words)])
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


@pytest.fixture
def folder(tmp_path: Path, portraits: Portraits) -> Path:
    """Two portraits, one of them lying on its side as EXIF says, and a bare wall."""
    root = tmp_path / "photos"
    (root / "deep").mkdir(parents=True)
    Image.fromarray(portraits["frontal"][0]).save(root / "one.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(np.rot90(portraits["turned"][0]))
    lying.save(root / "deep" / "one.jpg", exif=exif, quality=95)
    Image.new("RGB", (90, 60), (50, 60, 70)).save(root / "wall.bmp")
    (root / "notes.txt").write_text("no picture")
    return root


def test_a_folder_of_pictures_gives_a_table(tmp_path: Path, folder: Path) -> None:
    out, errors = call(folder, "--out", tmp_path / "out", "--size", 80, "--workers", 1, "--draw")
    assert "2 of 3 pictures aligned (2 by mtcnn); 3 made now" in out
    assert out.splitlines()[-1] == str(tmp_path / "out" / "align.csv")
    assert "1 without a face, kept with a reason: wall" in errors
    lines = (tmp_path / "out" / "align.csv").read_text()
    rows = {row["sample_id"]: row for row in csv.DictReader(io.StringIO(lines))}
    assert list(rows) == ["deep/one", "one", "wall"]
    assert rows["deep/one"]["aligned"] == "True"
    assert abs(float(rows["deep/one"]["align_roll_deg"])) < 10  # EXIF's turn is made
    assert abs(float(rows["one"]["left_eye_y"]) - template_points(80, 0.1)[0, 1]) < 6
    assert rows["wall"]["align_reason"] == "no face of 20 pixels or more was found"
    assert rows["wall"]["left_eye_x"] == rows["wall"]["face_x0"] == ""
    with Image.open(tmp_path / "out" / "align.png") as sheet:
        assert sheet.width > 6 * 224
    again, _ = call(folder, "--out", tmp_path / "out", "--size", 80, "--workers", 1)
    assert "0 made now" in again


def test_two_files_of_one_name_keep_their_endings(tmp_path: Path, portraits: Portraits) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    for name in ("a.png", "a.jpg", "b.png"):
        Image.fromarray(portraits["frontal"][0]).save(root / name)
    rows = align_folder(root, root / "out", AlignConfig(size=32)).rows
    assert [row["sample_id"] for row in rows] == ["a.jpg", "a.png", "b"]
    rows = align_folder(root, root / "out", AlignConfig(size=32)).rows
    assert len(rows) == 3  # what was made inside is not taken for an input


def test_a_folder_without_pictures_and_one_without_annotation_are_faults(tmp_path: Path) -> None:
    need_detector()
    with pytest.raises(PictureError, match=r"holds neither manifest\.parquet nor a picture"):
        align_folder(tmp_path, tmp_path / "out", AlignConfig())
    with pytest.raises(ConfigError, match="have no annotation"):
        align_folder(tmp_path, tmp_path / "out", AlignConfig(source="annotation"))


def test_a_picture_left_out_is_listed_and_the_status_is_3(tmp_path: Path, folder: Path) -> None:
    (folder / "bad.jpg").write_bytes(b"no picture")
    words = (folder, "--out", tmp_path / "out", "--workers", 1, "--size", 32)
    assert "bad.jpg: is no picture" in call(*words, status=1)[1]
    out, errors = call(*words, "--on-error", "skip", status=3)
    assert out.splitlines()[-1].endswith("align.csv")
    assert "skipped: bad: bad.jpg: is no picture" in errors
    assert "1 left out" in errors


def test_a_manifest_by_the_command_line(
    tmp_path: Path, make_manifest: Callable[..., Manifest]
) -> None:
    make_manifest(tmp_path / "in")
    words = (tmp_path / "in", "--workers", 1, "--size", 48, "--choose", "central")
    out, _ = call(*words, "--threshold", 0.8)
    made = tmp_path / "in-aligned" / "manifest.parquet"
    assert out.splitlines()[-1] == str(made)
    part, _ = call(*words, "--out", tmp_path / "shards", "--shard", "1/1")
    assert "shard 1/1 is done; when all are: fertools align" in part
    assert "'a/b': expected I/N" in call(*words, "--shard", "a/b", status=1)[1]
    assert "jpeg_quality goes with" in call(*words, "--jpeg-quality", 3, status=1)[1]


def test_every_face_of_the_photographs_is_found_and_upright(tmp_path: Path) -> None:
    need_detector()
    if not PHOTOS.is_dir():
        pytest.skip(f"the photographs are not in {PHOTOS}")
    rows = align_folder(PHOTOS, tmp_path / "out", AlignConfig()).rows
    assert len(rows) == 23
    assert all(row["aligned"] and row["align_method"] == "five-points" for row in rows)
    by_name = {row["sample_id"]: row for row in rows}
    assert {name for name, row in by_name.items() if row["num_faces"] != 1} == {
        "us_government/two_people"
    }
    wanted = template_points(224, 0.1)
    for name, row in by_name.items():
        points = np.array(row["points"])
        assert np.abs(points - wanted).max() < 0.08 * 224, name
        if (marks := PHOTOS / f"{name}.tem").is_file():
            pupils = np.loadtxt(marks.read_text().splitlines()[1:3])
            moved = pupils @ np.array(row["matrix"]).reshape(2, 3)[:, :2].T
            moved += np.array(row["matrix"]).reshape(2, 3)[:, 2]
            assert np.abs(moved - wanted[:2]).max() < 0.05 * 224, name
    assert by_name["us_government/face_turned_a"]["align_roll_deg"] > 2
    assert by_name["us_government/face_turned_b"]["align_roll_deg"] > 2
