"""Every kind of fault planted and found; a sound set has none; work that was stopped goes on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from cli import check_commands
from cli.runner import new_app
from fertools.errors import ConfigError, OutputError
from fertools.jobs import hold_folder
from fertools.manifest import Manifest, read_manifest, write_manifest
from fertools.pictures import read_facts
from fertools.verify import KINDS, Finding, Verification, copies_sheet, verify_manifest

Pixels = npt.NDArray[np.uint8]
Plant = Callable[[Path, pd.DataFrame], pd.DataFrame]

SUBJECTS = ("S1", "S2", "S3", "S4")
EXPRESSIONS = ("anger", "happiness", "neutral")
VIEWS = ("yaw00", "yaw30")
SPLIT = {"S1": "train", "S2": "train", "S3": "val", "S4": "test"}
FIRST = "S1_anger_yaw00"


def blobs(seed: int) -> Pixels:
    """A picture with structure: blurred noise."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(30, 190, (9, 9, 1)) + rng.uniform(0, 25, (9, 9, 3))
    smooth = cv2.resize(noise.astype(np.float32), (120, 100), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 255).astype(np.uint8)


def image_of(sample_id: str) -> str:
    return f"images/{sample_id}.png"


def rows() -> list[dict[str, Any]]:
    return [
        {
            "sample_id": f"{subject}_{expression}_{view}",
            "image": image_of(f"{subject}_{expression}_{view}"),
            "dataset": "bu3dfe",
            "subject_id": subject,
            "expression": expression,
            "view_id": view,
            "split": SPLIT[subject],
        }
        for subject in SUBJECTS
        for expression in EXPRESSIONS
        for view in VIEWS
    ]


def make(folder: Path, plant: Plant | None = None) -> Manifest:
    """A set of 24 pictures; ``plant`` changes files and rows before they are measured."""
    (folder / "images").mkdir(parents=True)
    frame = pd.DataFrame(rows())
    for seed, image in enumerate(frame["image"]):
        Image.fromarray(blobs(seed)).save(folder / image)
    if plant is not None:
        frame = plant(folder, frame)
    return record(folder, frame)


def record(folder: Path, frame: pd.DataFrame) -> Manifest:
    facts = [read_facts(folder / image) for image in frame["image"]]
    for name in ("num_bytes", "width", "height", "sha256"):
        frame[name] = [getattr(fact, name) for fact in facts]
    write_manifest(folder / "manifest.parquet", frame, dataset="bu3dfe", synthetic=True, config={})
    return read_manifest(folder)


def found_by_kind(verification: Verification) -> dict[str, Finding]:
    """The findings, one a kind at most."""
    kinds = [finding.kind for finding in verification.findings]
    assert len(kinds) == len(set(kinds)), verification.findings
    return {finding.kind: finding for finding in verification.findings}


def add(frame: pd.DataFrame, sample_id: str, image: str, **values: str) -> pd.DataFrame:
    """A row more, else as the first."""
    row = frame.iloc[0].to_dict() | {"sample_id": sample_id, "image": image} | values
    return pd.concat([frame, pd.DataFrame([row])], ignore_index=True)


def test_a_sound_set_has_no_findings(tmp_path: Path) -> None:
    verification = verify_manifest(make(tmp_path))
    assert verification.findings == ()
    assert verification.not_checked == ()
    written = json.loads((tmp_path / "verify.json").read_text())
    assert written["sound"] is True
    assert (written["num_files"], written["num_faults"], written["findings"]) == (24, 0, [])


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    (tmp_path / image_of(FIRST)).unlink()
    found = found_by_kind(verify_manifest(manifest))
    assert set(found) == {"missing"}
    assert found["missing"].sample_ids == (FIRST,)
    assert found["missing"].files == (image_of(FIRST),)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "tif", "webp", "bmp"])
def test_a_truncated_picture_is_a_fault(tmp_path: Path, suffix: str) -> None:
    def other_format(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
        image = f"images/first.{suffix}"
        Image.fromarray(blobs(0)).save(folder / image)
        frame.loc[0, "image"] = image
        return frame

    manifest = make(tmp_path, other_format)
    assert verify_manifest(manifest).num_faults == 0
    path = tmp_path / f"images/first.{suffix}"
    path.write_bytes(path.read_bytes()[:-40])
    found = found_by_kind(verify_manifest(manifest))
    assert set(found) == {"unreadable"}
    assert found["unreadable"].sample_ids == (FIRST,)
    assert "changed since the manifest was written" in found["unreadable"].reason


def test_a_picture_that_was_indexed_damaged_is_a_fault(tmp_path: Path) -> None:
    def cut(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
        path = folder / image_of(FIRST)
        path.write_bytes(path.read_bytes()[:-40])
        return frame

    found = found_by_kind(verify_manifest(make(tmp_path, cut)))
    assert set(found) == {"unreadable"}
    assert "changed" not in found["unreadable"].reason


def test_what_is_no_file_or_no_picture_is_a_fault(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    (tmp_path / image_of(FIRST)).write_text("no picture")
    other = tmp_path / image_of("S1_anger_yaw30")
    other.unlink()
    other.mkdir()
    verification = verify_manifest(manifest)
    assert [finding.kind for finding in verification.findings] == ["unreadable"] * 2
    assert "is no picture" in verification.findings[0].reason
    assert "is a directory" in verification.findings[1].reason.lower()


def test_another_picture_in_its_place_is_a_fault(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    Image.fromarray(blobs(99)[:50]).save(tmp_path / image_of(FIRST))
    found = found_by_kind(verify_manifest(manifest))
    assert set(found) == {"changed"}
    for words in ("num_bytes", "height 50, recorded 100", "SHA-256"):
        assert words in found["changed"].reason


def test_a_change_is_found_also_with_the_old_size_and_date(tmp_path: Path) -> None:
    def bitmap(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[0, "image"] = "images/first.bmp"
        Image.fromarray(blobs(0)).save(folder / "images/first.bmp")
        return frame

    manifest = make(tmp_path, bitmap)
    assert verify_manifest(manifest).num_faults == 0
    path = tmp_path / "images/first.bmp"
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    verification = verify_manifest(manifest)
    assert [finding.kind for finding in verification.findings] == ["changed"]
    assert verification.num_kept == 23


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, {"duplicate"}),
        ({"split": "test"}, {"duplicate-across-splits"}),
        ({"subject_id": "S2"}, {"duplicate-across-subjects"}),
        ({"expression": "neutral"}, {"duplicate-labels"}),
        (
            {"split": "test", "subject_id": "S4"},
            {"duplicate-across-splits", "duplicate-across-subjects"},
        ),
    ],
    ids=["same", "split", "subject", "label", "split and subject"],
)
@pytest.mark.parametrize("near", [False, True], ids=["bytes", "altered"])
def test_a_copy_is_found_with_what_it_breaks(
    tmp_path: Path, values: dict[str, str], kinds: set[str], near: bool
) -> None:
    def copy(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
        if near:
            image = "images/copy.jpg"
            pixels = np.clip(blobs(0)[:, ::-1] * 1.15, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / image, quality=90)
        else:
            image = "images/copy.png"
            shutil.copy(folder / image_of(FIRST), folder / image)
        return add(frame, "copy", image, **values)

    verification = verify_manifest(make(tmp_path, copy))
    found = found_by_kind(verification)
    found.pop("row-count")  # one row more
    assert set(found) == {f"near-{kind}" if near else kind for kind in kinds}
    for finding in found.values():
        assert set(finding.sample_ids) == {FIRST, "copy"}
        if near:
            assert finding.links[0].variant == "mirrored"
            assert "mirrored" in finding.reason
    assert (verification.num_faults == 0) == (near and not values)


def test_near_duplicates_are_not_looked_for_unless_asked(tmp_path: Path) -> None:
    def copy(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
        Image.fromarray(blobs(0)).save(folder / "images/copy.jpg", quality=90)
        return add(frame, "copy", "images/copy.jpg", split="test")

    manifest = make(tmp_path, copy)
    verification = verify_manifest(manifest, near=False)
    assert verification.num_faults == 0
    assert verification.not_checked == ("near duplicates: not asked for",)
    assert verify_manifest(manifest).num_faults == 1


def test_one_file_under_two_sample_ids_is_a_duplicate(tmp_path: Path) -> None:
    manifest = make(tmp_path, lambda _, frame: add(frame, "again", image_of(FIRST)))
    found = found_by_kind(verify_manifest(manifest))
    assert found["duplicate"].reason == "one file under 2 sample ids"


def test_a_byte_identical_copy_of_an_altered_copy_is_told_with_it(tmp_path: Path) -> None:
    def copies(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
        for name in ("b", "c"):
            Image.fromarray(blobs(0)).save(folder / f"images/{name}.jpg", quality=90)
            frame = add(frame, name, f"images/{name}.jpg")
        return frame

    found = found_by_kind(verify_manifest(make(tmp_path, copies)))
    assert found["duplicate"].sample_ids == ("b", "c")
    assert found["near-duplicate"].sample_ids == (FIRST, "b", "c")


def test_a_subject_without_a_picture_that_others_have_is_a_fault(tmp_path: Path) -> None:
    manifest = make(tmp_path, lambda _, frame: frame.drop([7, 9]).reset_index(drop=True))
    found = found_by_kind(verify_manifest(manifest))
    assert set(found) == {"missing-cells", "row-count"}
    assert found["missing-cells"].subject_id == "S2"
    assert found["missing-cells"].reason == (
        "S2: 2 of 6 pictures are missing: anger yaw30, happiness yaw30"
    )
    assert found["row-count"].reason == "S2: 4 rows, most subjects have 6"


def test_who_stayed_away_from_a_session_lacks_nothing_of_it(tmp_path: Path) -> None:
    def sessions(_: Path, frame: pd.DataFrame) -> pd.DataFrame:
        frame["session"] = frame["expression"].map({"anger": 1, "happiness": 1, "neutral": 2})
        away = (frame["subject_id"] == "S2") & (frame["session"] == 2)
        gap = frame["sample_id"] == "S3_anger_yaw30"
        return frame[~away & ~gap].reset_index(drop=True)

    verification = verify_manifest(make(tmp_path, sessions))
    found = found_by_kind(verification)
    assert {kind: finding.subject_id for kind, finding in found.items()} == {
        "missing-cells": "S3",
        "absent-session": "S2",
    }
    assert found["missing-cells"].reason == "S3: 1 of 6 pictures are missing: anger yaw30 1"
    assert verification.num_faults == 1


def test_a_set_without_subjects_says_what_was_not_checked(tmp_path: Path) -> None:
    manifest = make(tmp_path, lambda _, frame: frame.drop(columns=["subject_id", "split"]))
    verification = verify_manifest(manifest)
    assert verification.findings == ()
    assert [text.split(":")[0] for text in verification.not_checked] == [
        "copies across splits",
        "copies across subjects, missing cells",
    ]


def test_pictures_of_one_colour_and_tiny_ones_are_read(tmp_path: Path) -> None:
    def plain(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
        for number, size in enumerate([(1, 1), (64, 64), (3, 200)]):
            Image.new("RGB", size, (number, 9, 9)).save(folder / frame.loc[number, "image"])
        return frame

    verification = verify_manifest(make(tmp_path, plain))
    assert [finding.kind for finding in verification.findings] == ["flat"] * 3
    assert verification.num_faults == 0


def test_allowed_kinds_are_notes(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    (tmp_path / image_of(FIRST)).unlink()
    assert verify_manifest(manifest).num_faults == 1
    verification = verify_manifest(manifest, allow=["missing"])
    assert verification.num_faults == 0
    written = json.loads((tmp_path / "verify.json").read_text())
    assert written["sound"] is True
    assert written["counts"] == {"missing": {"count": 1, "severity": "note"}}
    with pytest.raises(ConfigError, match="--allow 'mising': is no kind; expected one of missing,"):
        verify_manifest(manifest, allow=["mising"])


def test_options_out_of_range_are_refused(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    with pytest.raises(ConfigError, match="--distance 17: expected 0 to 16"):
        verify_manifest(manifest, distance=17)
    with pytest.raises(ConfigError, match="--difference"):
        verify_manifest(manifest, difference=float("nan"))


def many(folder: Path) -> Manifest:
    """More pictures than a chunk holds."""
    (folder / "images").mkdir(parents=True)
    names = [f"{number:03d}" for number in range(300)]
    for number, name in enumerate(names):
        Image.fromarray(blobs(number)[::4, ::4]).save(folder / f"images/{name}.png")
    frame = pd.DataFrame({"sample_id": names, "image": [f"images/{name}.png" for name in names]})
    return record(folder, frame.assign(dataset="rafdb", expression="anger"))


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    manifest = many(tmp_path)
    first = verify_manifest(manifest)
    before = (tmp_path / "verify.json").read_bytes()
    assert first.num_kept == 0
    (tmp_path / "verify/000001.arrow").unlink()  # as if it had been stopped before this chunk
    assert verify_manifest(manifest, workers=2).num_kept == 256
    assert (tmp_path / "verify.json").read_bytes() == before
    cut = tmp_path / "verify/000000.arrow"
    cut.write_bytes(cut.read_bytes()[:-100])
    assert verify_manifest(manifest).num_kept == 300 - 256
    assert verify_manifest(manifest).num_kept == 300
    assert verify_manifest(manifest, fresh=True).num_kept == 0


def test_another_manifest_takes_nothing_over(tmp_path: Path) -> None:
    manifest = many(tmp_path)
    verify_manifest(manifest)
    smaller = record(tmp_path, manifest.frame.iloc[:200].copy())
    assert verify_manifest(smaller).num_kept == 0
    assert [path.name for path in (tmp_path / "verify").glob("*.arrow")] == ["000000.arrow"]


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    manifest = make(tmp_path)
    with (
        hold_folder(tmp_path / "verify"),
        pytest.raises(OutputError, match="another process is writing here"),
    ):
        verify_manifest(manifest)


def test_pictures_that_were_moved_are_found_by_root(tmp_path: Path) -> None:
    make(tmp_path / "a")
    shutil.move(tmp_path / "a/images", tmp_path / "images")
    assert verify_manifest(read_manifest(tmp_path / "a")).counts() == {"missing": 24}
    out = tmp_path / "elsewhere/v.json"
    verification = verify_manifest(read_manifest(tmp_path / "a", root=tmp_path), out=out)
    assert verification.num_faults == 0
    assert out.is_file()


def test_the_sheet_shows_pairs_of_copies_and_none_without(tmp_path: Path) -> None:
    manifest = make(tmp_path, lambda _, frame: add(frame, "again", image_of(FIRST)))
    verification = verify_manifest(manifest)
    assert copies_sheet(manifest, ()) is None
    page = copies_sheet(manifest, verification.findings)
    assert page is not None
    assert page.height > 144


app = new_app("checks")
app.command("verify")(check_commands.verify)
app.callback()(lambda: None)


def call(*words: str | Path, status: int) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["verify", *map(str, words), "--workers", "1"])
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


def test_the_command_prints_a_table_and_ends_with_1_at_a_fault(tmp_path: Path) -> None:
    make(tmp_path)
    out, _ = call(tmp_path, status=0)
    assert out.splitlines() == [
        "24 files, 0 faults, 0 notes (synthetic)",
        str(tmp_path / "verify.json"),
    ]
    (tmp_path / image_of(FIRST)).unlink()
    out, errors = call(tmp_path, status=1)
    assert "missing" in out.splitlines()[1]
    assert "24 files, 1 faults" in out
    assert "23 of 24 files were read by an earlier run" in errors
    call(tmp_path, "--allow", "missing", "--sheet", status=0)
    call(tmp_path, "--allow", "nothing", status=1)
    assert json.loads(call(tmp_path, "--json", status=1)[0])["num_faults"] == 1


def test_the_command_draws_the_copies(tmp_path: Path) -> None:
    make(tmp_path, lambda _, frame: add(frame, "again", image_of(FIRST)))
    call(tmp_path, "--sheet", status=1)
    assert (tmp_path / "duplicates.png").is_file()


def test_every_kind_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs/verifying.md").read_text()
    for kind, values in KINDS.items():
        assert f"| `{kind}` | {values.severity} |" in text
