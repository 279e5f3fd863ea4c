"""``fertools make-pose-split``: what is printed, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dataset_fakes import put
from pose_homes import affectnet_home, rafdb_home
from typer.testing import CliRunner, Result

from cli.fertools_app import app

TRUE = ("--estimator", "ground_truth", "--workers", "1")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    return tmp_path


def make(*words: str) -> Result:
    return CliRunner().invoke(app, ["make-pose-split", *words])


def test_every_set_that_is_there_is_split_and_the_folders_come_last(home: Path) -> None:
    rafdb_home(home)
    affectnet_home(home)
    result = make(*TRUE)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[-2:] == [
        str(home / f"derived/pose-{name}-30-ground_truth") for name in ("affectnet", "rafdb")
    ]
    assert lines[0] == (
        "affectnet (synthetic): yaw or pitch beyond 30° (openface), pose by ground_truth"
    )
    assert any("pose by ground_truth on the original pictures" in line for line in lines)
    assert "against the true poses: precision 1.000, recall 1.000 (synthetic)" in lines
    assert "indexed first" in result.stderr


def test_json_is_the_whole_of_stdout(home: Path) -> None:
    rafdb_home(home)
    result = make(*TRUE, "--min-yaw", "45", "--json")
    (facts,) = json.loads(result.stdout)
    assert (facts["num_evaluated"], facts["num_in_split"]) == (7, 2)
    assert facts["categories"] == {"not large": 4, "large": 2, "no pose": 1}
    assert facts["published"] == {"lines": 558, "paper": 558}
    assert (facts["precision"], facts["recall"], facts["synthetic"]) == (1.0, 1.0, True)
    assert facts["classes"][0]["precision"] is None
    assert "'fertools synth affectnet' makes" in result.stderr


def test_what_was_left_out_ends_with_3(home: Path) -> None:
    rafdb_home(home)
    put(home / "l.txt", "6/test_0001_aligned.jpg\n0/test_2999_aligned.jpg\n")
    words = ("--from-list", str(home / "l.txt"))
    stopped = make(*words)
    assert stopped.exit_code == 1
    assert "error: " in stopped.stderr
    assert "1 of its 2 pictures, 'test_2999' the first" in stopped.stderr
    result = make(*words, "--on-error", "skip")
    assert result.exit_code == 3
    assert "skipped: test_2999: is listed but not in the set" in result.stderr
    assert result.stdout.splitlines()[-1].startswith(str(home / "derived/pose-rafdb-list-l-"))


def test_a_list_beside_the_cut_is_told_by_class(home: Path) -> None:
    rafdb_home(home)
    put(home / "l.txt", "6/test_0001_aligned.jpg\n3/test_0004_aligned.jpg\n")
    result = make(*TRUE, "--compare", str(home / "l.txt"))
    assert result.exit_code == 0, result.output
    assert f"beside {home / 'l.txt'}: Jaccard index 0.667" in result.stdout
    assert "of the disagreements 1 lie within 5 degrees of the threshold" in result.stdout
    furthest = result.stdout.split("the furthest of them:")[1].splitlines()[2].split()
    assert furthest[:3] == ["test_0002", "anger", "split"]
    assert (home / "derived/pose-rafdb-30-ground_truth/compare.csv").exists()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("--min-yaw", "90.5"), "--min-yaw 90.5: expected degrees, 0 to 90"),
        (("--min-yaw", "nan"), "--min-yaw nan: expected degrees, 0 to 90"),
        (("--min-pitch", "-1"), "--min-pitch -1: expected degrees, 0 to 90"),
        (("--rule", "yaw", "--min-pitch", "20"), "not used by --rule yaw"),
        (("--angle-convention", "x"), "unknown angle convention 'x'"),
        (("--min-confidence", "2"), "--min-confidence 2: expected 0 to 1"),
        (("--estimator", "x"), "unknown pose estimator 'x'"),
        (("--from-list", "a", "--compare", "b"), "--compare is of a cut by pose"),
        (("--from-list", "absent.txt"), "absent.txt: cannot be read"),
        (("--from-list", "a", "--min-yaw", "30"), "--min-yaw is not used by --from-list"),
        (("--from-list", "a", "--rule", "any"), "--rule is not used by --from-list"),
        (("--from-list", "a", "--unsure", "include"), "--unsure is not used by --from-list"),
        (("--from-list", "a", "--images", "auto"), "--images is not used by --from-list"),
        (("--rule", "pitch", "--min-yaw", "45"), "--rule pitch; give --min-pitch"),
        (("--dataset", "affectnet", "--images", "original"), "--images is not used by affectnet"),
        (("--dataset", "rafdb", "--classes", "7"), "--classes is not used by rafdb"),
        (("--duplicates", "drop"), "--duplicates is not used without --from-list"),
        ((), "no rafdb data set: looked in"),
    ],
)
def test_what_cannot_be_is_one_line(home: Path, words: tuple[str, ...], match: str) -> None:
    result = make(*words)
    assert result.exit_code == 1
    assert match in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_set_that_cannot_be_split_does_not_stop_the_other(home: Path) -> None:
    rafdb_home(home)
    put(affectnet_home(home) / "Manually_Annotated_file_lists/validation.csv", "cut off")
    result = make(*TRUE)
    assert result.exit_code == 1
    assert "error: affectnet: " in result.stderr
    assert result.stdout.splitlines()[-1] == str(home / "derived/pose-rafdb-30-ground_truth")


def test_options_of_an_estimator_need_its_name(home: Path) -> None:
    assert make("--file", "model.tflite").exit_code == 2
