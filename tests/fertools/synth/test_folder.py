from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fertools.errors import ConfigError, OutputError
from fertools.home import describe_root
from fertools.synth.folder import (
    MARKER,
    Standin,
    check_folder,
    check_range,
    filling,
    is_complete,
    is_planted,
    planted_kinds,
    read_marker,
)
from fertools.synth.journal import JOURNAL, change_files, take_back


@pytest.fixture
def standin(tmp_path: Path) -> Standin:
    return Standin(
        root=tmp_path / "set",
        dataset="rafdb",
        seed=3,
        generator=1,
        size=("pictures", 10),
        options={"images": "both", "cameras": ("a", "b")},
        facts={"note": "nobody"},
    )


@pytest.fixture
def made(standin: Standin) -> Standin:
    with filling(standin):
        (standin.root / "picture").write_bytes(b"whole")
    return standin


def say_planted(standin: Standin, *kinds: str) -> None:
    marker = read_marker(standin.root) or {}
    (standin.root / MARKER).write_text(json.dumps(marker | {"planted": {"kinds": list(kinds)}}))


class TestMarker:
    def test_it_is_not_complete_until_the_block_ends(self, standin: Standin) -> None:
        with filling(standin):
            assert (read_marker(standin.root) or {})["complete"] is False
            assert not is_complete(standin)
        assert is_complete(standin)
        assert describe_root("rafdb", standin.root).synthetic

    def test_it_stays_not_complete_after_an_error(self, standin: Standin) -> None:
        with pytest.raises(OutputError), filling(standin):
            raise OutputError("full")
        assert not is_complete(standin)
        check_folder(standin)

    def test_it_says_seed_options_facts_and_size(self, made: Standin) -> None:
        marker = read_marker(made.root) or {}
        assert (marker["synthetic"], marker["seed"], marker["pictures"]) == (True, 3, 10)
        assert marker["options"] == {"images": "both", "cameras": ["a", "b"]}
        assert marker["note"] == "nobody"
        assert "CC0" in marker["licence"]


class TestRefusals:
    def test_the_same_again_is_welcome(self, made: Standin) -> None:
        check_folder(made)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"seed": 4}, r"seed 3 \(now 4\)"),
            ({"generator": 2}, r"generator 1 \(now 2\)"),
            ({"dataset": "multipie"}, r"dataset 'rafdb' \(now 'multipie'\)"),
            ({"options": {"images": "aligned", "cameras": ("a", "b")}}, r"images 'both'"),
            ({"size": ("pictures", 9)}, "holds 10 pictures, asked for 9"),
        ],
    )
    def test_another_making_is_refused_and_named(
        self, made: Standin, change: dict[str, object], words: str
    ) -> None:
        with pytest.raises(ConfigError, match=words):
            check_folder(replace(made, **change))  # type: ignore[arg-type]

    def test_a_larger_one_is_gone_on_with_where_that_makes_sense(self, made: Standin) -> None:
        larger = replace(made, size=("pictures", 11))
        check_folder(larger)
        assert not is_complete(larger)
        with pytest.raises(ConfigError, match="laid out for 10 pictures"):
            check_folder(replace(larger, may_grow=False))

    def test_strangers_are_left_alone(self, standin: Standin) -> None:
        standin.root.mkdir()
        (standin.root / "holiday.jpg").touch()
        with pytest.raises(OutputError, match=r"holds 'holiday.jpg' and no SYNTHETIC\.json"):
            check_folder(standin)

    def test_our_own_leftovers_are_no_strangers(self, standin: Standin) -> None:
        standin.root.mkdir()
        (standin.root / ".partial-001").mkdir()
        check_folder(standin)

    def test_a_file_is_no_folder(self, standin: Standin) -> None:
        standin.root.touch()
        with pytest.raises(OutputError, match="is a file"):
            check_folder(standin)

    def test_a_broken_marker_is_named(self, made: Standin) -> None:
        (made.root / MARKER).write_text("{")
        with pytest.raises(OutputError, match="is no JSON"):
            check_folder(made)

    def test_a_number_out_of_range_is_named(self) -> None:
        with pytest.raises(ConfigError, match="train is 0; expected a whole number from 1 to 5"):
            check_range("train", 0, 1, 5)


class TestPlanted:
    def test_the_same_kinds_leave_nothing_to_do(self, made: Standin) -> None:
        say_planted(made, "corrupt", "missing")
        same = replace(made, planted=("missing", "corrupt"))
        check_folder(same)
        assert is_planted(same)
        assert planted_kinds(read_marker(made.root) or {}) == ["corrupt", "missing"]

    def test_other_kinds_or_none_or_growth_are_refused(self, made: Standin) -> None:
        say_planted(made, "corrupt")
        for other in (
            made,
            replace(made, planted=("missing",)),
            replace(made, planted=("corrupt",), size=("pictures", 20)),
        ):
            with pytest.raises(ConfigError, match=r"planted faults \(corrupt\)"):
                check_folder(other)

    def test_a_clean_folder_may_get_faults_later(self, made: Standin) -> None:
        wanted = replace(made, planted=("corrupt",))
        check_folder(wanted)
        assert not is_planted(wanted)


class TestJournal:
    def test_changes_are_taken_back(self, made: Standin) -> None:
        change_files(made.root, {"picture": b"cut", "new/file": b"more"})
        assert (made.root / "picture").read_bytes() == b"cut"
        take_back(made.root, keep_changes=False)
        assert (made.root / "picture").read_bytes() == b"whole"
        assert not (made.root / "new").exists()
        assert not (made.root / JOURNAL).exists()

    def test_a_removed_file_comes_back(self, made: Standin) -> None:
        change_files(made.root, {"picture": None})
        assert not (made.root / "picture").exists()
        take_back(made.root, keep_changes=False)
        assert (made.root / "picture").read_bytes() == b"whole"

    def test_an_interrupted_planting_is_taken_back_when_the_folder_is_checked(
        self, made: Standin
    ) -> None:
        change_files(made.root, {"picture": b"cut"})
        check_folder(made)
        assert (made.root / "picture").read_bytes() == b"whole"

    def test_a_finished_planting_is_kept(self, made: Standin) -> None:
        change_files(made.root, {"picture": b"cut"})
        say_planted(made, "truncated")
        check_folder(replace(made, planted=("truncated",)))
        assert (made.root / "picture").read_bytes() == b"cut"
        assert not (made.root / JOURNAL).exists()

    def test_an_error_on_the_way_changes_nothing(
        self, made: Standin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written = Path.write_bytes

        def full(path: Path, data: bytes) -> int:
            if data == b"never":
                raise OSError(28, "No space left on device")
            return written(path, data)

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError, match="no space left"):
            change_files(made.root, {"picture": b"cut", "second": b"never"})
        assert (made.root / "picture").read_bytes() == b"whole"
        assert not (made.root / JOURNAL).exists()
