from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fertools.errors import ConfigError, OutputError, PictureError
from fertools.expressions import MULTIPIE_RECORDINGS
from fertools.formats.affectnet import AffectnetOptions, open_affectnet
from fertools.formats.multipie import MultipieOptions, open_multipie
from fertools.formats.rafdb import RafdbOptions, open_rafdb
from fertools.formats.registry import Fault, Sample
from fertools.home import describe_root
from fertools.pictures import read_picture
from fertools.synth.folder import MARKER, Standin, check_folder, filling, read_marker
from fertools.synth.journal import JOURNAL
from fertools.synth.plant import (
    KINDS,
    PLANTED,
    PlantedFault,
    check_kinds,
    parse_kinds,
    plant_faults,
)
from fertools.synth.planting import corrupt


def picture(number: int, kind: str = "JPEG", size: int = 48) -> bytes:
    """Noise on a gradient: no two are alike."""
    rng = np.random.default_rng(number)
    ramp = np.add.outer(np.arange(size), np.arange(size))[..., None] * 255 // (2 * size)
    pixels = np.clip(ramp + rng.integers(0, 90, (size, size, 3)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def put(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def make_multipie(root: Path) -> None:
    number = 0
    for subject in ("001", "003"):
        for session, recording in MULTIPIE_RECORDINGS:
            for camera in ("05_1", "24_0"):
                number += 1
                name = f"{subject}_{session:02d}_{recording:02d}_{camera.replace('_', '')}_07.png"
                folder = f"data/session{session:02d}/multiview/{subject}/{recording:02d}/{camera}"
                put(root / folder / name, picture(number, "PNG"))
    put(root / "meta/subject_list.txt", "001 1970 F 1 1 1 1\n003 1980 M 1 1 1 1\n")
    put(root / ".ground_truth/001.parquet", "not to be touched")


def make_rafdb(root: Path) -> None:
    lines = []
    for split, count, digits in (("train", 12, 5), ("test", 8, 4)):
        for number in range(1, count + 1):
            stem = f"{split}_{number:0{digits}d}"
            lines.append(f"{stem}.jpg {number % 7 + 1}")
            index = number + 100 * len(split)
            put(root / f"Image/aligned/{stem}_aligned.jpg", picture(index))
            put(root / f"Image/original/{stem}.jpg", picture(5000 + index, size=64))
            put(root / f"Annotation/boundingbox/{stem}_boundingbox.txt", "1.0 2.0 40.0 50.0\n")
            points = "".join(f"{k}.5\t{k}.5\n" for k in range(1, 6))
            put(root / f"Annotation/manual/{stem}_manu_attri.txt", f"{points}0\n1\n2\n")
    put(root / "EmoLabel/list_patition_label.txt", "\n".join(lines))  # no newline at the end


def make_kaggle(root: Path) -> None:
    for split, count, digits in (("train", 12, 5), ("test", 8, 4)):
        rows = ["image,label"]
        for number in range(1, count + 1):
            name = f"{split}_{number:0{digits}d}_aligned.jpg"
            label = number % 7 + 1
            rows.append(f"{name},{label}")
            data = picture(number + 100 * len(split))
            put(root / f"DATASET/{split}/{label}/{name}", data)
        put(root / f"{split}_labels.csv", "\n".join(rows) + "\n")


def make_affectnet(root: Path) -> None:
    columns = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks"
    points = ";".join(f"{k}.25" for k in range(136))
    number = 0
    for name, count in (("training", 14), ("validation", 9)):
        rows = [f"{columns},expression,valence,arousal"] if name == "training" else []
        for index in range(count):
            number += 1
            kind, suffix = (("JPEG", ".jpg"), ("PNG", ".png"), ("JPEG", ".JPG"))[index % 3]
            path = f"{number % 3}/{hashlib.sha224(str(number).encode()).hexdigest()}{suffix}"
            rows.append(f"{path},1,2,40,41,{points},{index % 11},0.5,-0.25")
            folder = "Manually_Annotated_compressed/Manually_Annotated_Images"
            put(root / folder / path, picture(number, kind))
        text = "\n".join(rows) + "\n"
        put(root / "Manually_Annotated_file_lists" / f"{name}.csv", text)


def make_new_affectnet(root: Path) -> None:
    for part, count in (("train_set", 12), ("val_set", 9)):
        for number in range(0, 2 * count, 2):
            put(root / part / "images" / f"{number}.jpg", picture(number + 100 * len(part)))
            code = number // 2 % 8
            arrays = {
                "exp": np.array(str(code)) if number % 4 else np.array(code),
                "lnd": np.arange(136.0),
                "val": np.array(0.5),
                "aro": np.array("0.25"),
            }
            for kind, values in arrays.items():
                buffer = io.BytesIO()
                np.save(buffer, values)
                put(root / part / "annotations" / f"{number}_{kind}.npy", buffer.getvalue())


SETS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "multipie": ("multipie", make_multipie),
    "rafdb": ("rafdb", make_rafdb),
    "rafdb of kaggle": ("rafdb", make_kaggle),
    "affectnet of 2017": ("affectnet", make_affectnet),
    "new affectnet": ("affectnet", make_new_affectnet),
}


def standin_of(name: str, root: Path) -> Standin:
    return Standin(root, SETS[name][0], 7, 1, ("pictures", 20), {})


def make(name: str, root: Path) -> Path:
    with filling(standin_of(name, root)):
        SETS[name][1](root)
    return root


@pytest.fixture(params=list(SETS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def plant(name: str, root: Path, *kinds: str, seed: int = 7) -> dict[str, PlantedFault]:
    faults = plant_faults(root, SETS[name][0], kinds or KINDS, seed=seed)
    return {fault.kind: fault for fault in faults}


def files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def rows_of(name: str, root: Path) -> tuple[dict[str, Sample], list[Fault]]:
    """What the set's own reader makes of the folder."""
    dataset = SETS[name][0]
    if dataset == "multipie":
        opened = open_multipie(root, MultipieOptions(select="all"))
    elif dataset == "rafdb":
        opened = open_rafdb(root, RafdbOptions())
    else:
        opened = open_affectnet(root, AffectnetOptions())
    rows = list(opened.rows)
    base = opened.base
    samples = {
        row.sample_id: replace(row, image=(base / row.image).relative_to(root).as_posix())
        for row in rows
        if isinstance(row, Sample)
    }
    return samples, [row for row in rows if isinstance(row, Fault)]


class TestEveryKind:
    def test_a_clean_folder_has_no_fault(self, name: str, tmp_path: Path) -> None:
        _, faults = rows_of(name, make(name, tmp_path))
        assert faults == []

    def test_a_duplicate_is_the_same_file_with_the_same_label(
        self, name: str, tmp_path: Path
    ) -> None:
        fault = plant(name, make(name, tmp_path), "duplicate")["duplicate"]
        samples, faults = rows_of(name, tmp_path)
        one, two = (samples[sample_id] for sample_id in fault.sample_ids)
        assert one.expression == two.expression
        assert one.split == two.split
        assert (tmp_path / one.image).read_bytes() == (tmp_path / two.image).read_bytes()
        assert faults == []

    def test_a_swapped_label_is_the_same_file_with_another_label(
        self, name: str, tmp_path: Path
    ) -> None:
        fault = plant(name, make(name, tmp_path), "swapped-label")["swapped-label"]
        samples, faults = rows_of(name, tmp_path)
        one, two = (samples[sample_id] for sample_id in fault.sample_ids)
        assert one.expression != two.expression
        assert (tmp_path / one.image).read_bytes() == (tmp_path / two.image).read_bytes()
        assert faults == []

    def test_a_leak_is_nearly_the_same_picture_across_the_border(
        self, name: str, tmp_path: Path
    ) -> None:
        fault = plant(name, make(name, tmp_path), "leaked-subject")["leaked-subject"]
        samples, faults = rows_of(name, tmp_path)
        half = len(fault.sample_ids) // 2
        for old, new in zip(fault.sample_ids[:half], fault.sample_ids[half:], strict=True):
            one, two = samples[old], samples[new]
            if name == "multipie":
                assert one.subject_id != two.subject_id
            else:
                assert (one.split, two.split) in (("train", "test"), ("train", "val"))
            assert one.expression == two.expression
            before, after = (
                read_picture(tmp_path / sample.image).astype(float) for sample in (one, two)
            )
            assert (tmp_path / one.image).read_bytes() != (tmp_path / two.image).read_bytes()
            assert 2.0 < (after - before).mean() < 12.0
            assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.97
        assert faults == []

    def test_a_corrupt_file_has_a_head_and_no_pixels(self, name: str, tmp_path: Path) -> None:
        fault = plant(name, make(name, tmp_path), "corrupt")["corrupt"]
        before = make(name, tmp_path / "clean")
        for file in fault.files:
            path = tmp_path / file
            assert path.stat().st_size == (before / file).stat().st_size
            with Image.open(path) as opened:
                assert opened.size in ((48, 48), (64, 64))
                with pytest.raises(OSError, match=r"image|data|PNG|decod|trunc"):
                    opened.load()
            with pytest.raises(PictureError):
                read_picture(path)

    def test_a_truncated_file_has_lost_its_second_half(self, name: str, tmp_path: Path) -> None:
        fault = plant(name, make(name, tmp_path), "truncated")["truncated"]
        before = make(name, tmp_path / "clean")
        for file in fault.files:
            whole = (before / file).read_bytes()
            assert (tmp_path / file).read_bytes() == whole[: len(whole) // 2]
            with pytest.raises(PictureError):
                read_picture(tmp_path / file)

    def test_a_missing_file_is_missed(self, name: str, tmp_path: Path) -> None:
        make(name, tmp_path)
        before, _ = rows_of(name, tmp_path)
        fault = plant(name, tmp_path, "missing")["missing"]
        after, faults = rows_of(name, tmp_path)
        assert not any((tmp_path / file).exists() for file in fault.files)
        assert set(before) - set(after) == set(fault.sample_ids)
        if name in ("rafdb", "affectnet of 2017", "new affectnet"):
            assert len(faults) == 1


class TestTogether:
    def test_no_picture_is_hit_by_two_kinds(self, name: str, tmp_path: Path) -> None:
        for seed in range(6):
            root = make(name, tmp_path / str(seed))
            faults = plant(name, root, seed=seed)
            assert set(faults) == set(KINDS)
            touched = [file for fault in faults.values() for file in fault.files]
            assert len(touched) == len(set(touched))

    def test_planting_is_repeatable_and_never_done_twice(self, name: str, tmp_path: Path) -> None:
        one, two = make(name, tmp_path / "one"), make(name, tmp_path / "two")
        faults = plant(name, one)
        assert plant(name, two) == faults
        once = files(one)
        assert once == files(two)
        assert plant(name, one) == faults
        assert files(one) == once

    def test_another_seed_plants_elsewhere(self, name: str, tmp_path: Path) -> None:
        one, two = make(name, tmp_path / "one"), make(name, tmp_path / "two")
        assert plant(name, one, seed=1) != plant(name, two, seed=2)

    def test_it_is_written_down(self, name: str, tmp_path: Path) -> None:
        faults = plant(name, make(name, tmp_path), "missing", "corrupt")
        listed = json.loads((tmp_path / PLANTED).read_text())
        assert [entry["kind"] for entry in listed] == ["corrupt", "missing"]
        assert all(set(entry) == {"kind", "sample_ids", "files", "note"} for entry in listed)
        assert tuple(listed[0]["files"]) == faults["corrupt"].files
        marker = read_marker(tmp_path) or {}
        assert marker["planted"] == {"kinds": ["corrupt", "missing"], "seed": 7}
        assert describe_root(SETS[name][0], tmp_path).synthetic

    def test_only_what_is_named_changes(self, name: str, tmp_path: Path) -> None:
        make(name, tmp_path)
        before = files(tmp_path)
        faults = plant(name, tmp_path, "corrupt", "truncated", "missing")
        after = files(tmp_path)
        named = {file for fault in faults.values() for file in fault.files}
        changed = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
        assert changed == named | {PLANTED, MARKER}

    def test_the_list_ends_as_it_did(self, tmp_path: Path) -> None:
        plant("rafdb", make("rafdb", tmp_path), "duplicate")
        text = (tmp_path / "EmoLabel/list_patition_label.txt").read_text()
        assert re.search(r"\n(train_00013|test_0009)\.jpg \d\Z", text)

    def test_a_copied_sample_has_its_annotations(self, tmp_path: Path) -> None:
        fault = plant("rafdb", make("rafdb", tmp_path), "leaked-subject")["leaked-subject"]
        assert fault.sample_ids[1] == "test_0009"
        assert len(fault.files) == 4
        assert (tmp_path / "Annotation/manual/test_0009_manu_attri.txt").is_file()

    def test_a_new_subject_stands_in_the_list(self, tmp_path: Path) -> None:
        fault = plant("multipie", make("multipie", tmp_path), "leaked-subject")["leaked-subject"]
        last = (tmp_path / "meta/subject_list.txt").read_text().splitlines()[-1]
        assert last.startswith("004 ")
        assert last.split()[3:].count("1") == 1
        assert any(sample_id.startswith("004_") for sample_id in fault.sample_ids)


class TestRefusals:
    def test_other_faults_are_refused_where_some_are(self, tmp_path: Path) -> None:
        plant("rafdb", make("rafdb", tmp_path), "missing")
        with pytest.raises(ConfigError, match=r"planted faults already \(missing\)"):
            plant("rafdb", tmp_path, "corrupt")
        with pytest.raises(ConfigError, match="planted faults already"):
            plant("rafdb", tmp_path, "missing", seed=8)

    def test_a_folder_that_is_no_stand_in_is_left_alone(self, tmp_path: Path) -> None:
        make_rafdb(tmp_path)
        before = files(tmp_path)
        with pytest.raises(ConfigError, match="no finished stand-in of rafdb"):
            plant("rafdb", tmp_path)
        assert files(tmp_path) == before

    def test_another_set_is_refused(self, tmp_path: Path) -> None:
        make("rafdb", tmp_path)
        with pytest.raises(ConfigError, match="no finished stand-in of multipie"):
            plant_faults(tmp_path, "multipie", ["corrupt"], seed=0)

    def test_a_set_that_is_too_small_is_left_as_it_was(self, tmp_path: Path) -> None:
        make("multipie", tmp_path)
        for path in tmp_path.rglob("*.png"):
            if path.name != "001_01_01_051_07.png":
                path.unlink()
        before = files(tmp_path)
        with pytest.raises(ConfigError, match="no picture left to plant 'duplicate'"):
            plant("multipie", tmp_path, "duplicate")
        assert files(tmp_path) == before

    def test_unknown_kinds_are_named(self) -> None:
        with pytest.raises(ConfigError, match="plant is 'rust'"):
            check_kinds(["corrupt", "rust"])
        assert parse_kinds("missing, corrupt,missing") == ("corrupt", "missing")
        assert parse_kinds("all") == tuple(sorted(KINDS))
        assert parse_kinds(None) == ()

    def test_a_full_disk_leaves_the_folder_clean(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make("rafdb", tmp_path)
        before = files(tmp_path)
        written = Path.write_bytes

        def full(path: Path, data: bytes) -> int:
            if path.name.startswith(".partial-planted"):
                raise OSError(28, "No space left on device")
            return written(path, data)

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError, match="no space left"):
            plant("rafdb", tmp_path)
        assert files(tmp_path) == before

    def test_an_interrupted_planting_starts_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make("rafdb", tmp_path / "one")
        make("rafdb", tmp_path / "two")
        expected = plant("rafdb", tmp_path / "two")
        written = Path.write_bytes

        def stop(path: Path, data: bytes) -> int:
            if path.name.startswith(".partial-planted"):
                raise KeyboardInterrupt
            return written(path, data)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", stop)
            with pytest.raises(KeyboardInterrupt):
                plant("rafdb", tmp_path / "one")
        assert (tmp_path / "one" / JOURNAL).exists()
        standin = standin_of("rafdb", tmp_path / "one")
        check_folder(standin)
        with filling(standin):
            pass
        assert plant("rafdb", tmp_path / "one") == expected
        assert files(tmp_path / "one") == files(tmp_path / "two")


class TestCorrupt:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    @pytest.mark.parametrize("size", [24, 100, 400])
    def test_no_decoder_reads_it(self, kind: str, size: int) -> None:
        for number in range(5):
            whole = picture(number, kind, size)
            damaged = corrupt(f"a.{kind.lower()}", whole, np.random.default_rng(number))
            assert len(damaged) == len(whole)
            assert damaged[:20] == whole[:20]
            if kind == "PNG":
                assert cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR) is None
