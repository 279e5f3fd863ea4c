from __future__ import annotations

import errno
import importlib.util
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fertools.synth.bu3dfe as bu3dfe
from fertools.errors import ConfigError, MissingExtraError, OutputError
from fertools.mesh import read_bnd, read_pse, read_vrml
from fertools.synth import SynthesisSummary, estimate_bytes, synthesise_bu3dfe

NAME = re.compile(
    r"^([FM]\d{4})_(AN|DI|FE|HA|NE|SA|SU)(0[0-4])(WH|BL|LA|AE|AM|IN)_(F2D|F3D|RAW)\.(wrl|bmp|bnd|pse)$"
)
ENDINGS = {"F3D.wrl", "F3D.bmp", "F3D.bnd", "RAW.wrl", "RAW.pse", "F2D.bmp"}
FACE_ONLY: dict[str, Any] = {"raw": False, "f2d": False, "texture_size": 64}


def digest(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestLayout:
    def test_every_name_is_one_of_the_real_set(self, standins: SynthesisSummary) -> None:
        for folder in ("F0001", "M0001"):
            for path in (standins.root / folder).iterdir():
                match = NAME.match(path.name)
                assert match is not None, path.name
                assert match[1] == folder

    def test_a_subject_has_25_scans_of_six_files(self, scan_folder: Path) -> None:
        scans: dict[str, set[str]] = {}
        for path in scan_folder.iterdir():
            stem, _, ending = path.name.rpartition("_")
            scans.setdefault(stem, set()).add(ending)
        assert len(scans) == 25
        assert all(endings == ENDINGS for endings in scans.values())
        levels = {stem[6:10] for stem in scans}
        assert levels == {"NE00"} | {
            f"{e}0{k}" for e in ["AN", "DI", "FE", "HA", "SA", "SU"] for k in range(1, 5)
        }

    def test_a_subject_has_one_group_code(self, standins: SynthesisSummary) -> None:
        for folder in ("F0001", "M0001"):
            codes = {path.name[10:12] for path in (standins.root / folder).iterdir()}
            assert len(codes) == 1

    def test_the_group_code_does_not_come_from_the_looks(self) -> None:
        from fertools.synth.head import find_data, load_head
        from fertools.synth.identity import ETHNIC_CODES, draw_code, draw_person

        head = load_head(find_data())
        person = draw_person(head, [5, 0], male=False)
        assert person.code == draw_code([5, 0])
        assert {draw_code([5, number]) for number in range(300)} == set(ETHNIC_CODES)

    def test_the_root_says_that_it_is_synthetic(self, standins: SynthesisSummary) -> None:
        marker = json.loads((standins.root / "SYNTHETIC.json").read_text())
        assert marker["synthetic"] is True
        assert marker["complete"] is True
        assert marker["seed"] == 5
        assert "CC0" in marker["licence"]
        assert marker["subject_left"].startswith("+x")
        assert marker["options"]["texture_size"] == 64

    def test_the_estimate_is_within_fifteen_percent(self, standins: SynthesisSummary) -> None:
        estimate = estimate_bytes(subjects=2, texture_size=64)
        assert standins.num_bytes == pytest.approx(estimate, rel=0.15)


class TestFiles:
    def test_landmarks_are_83_vertices_of_the_face(self, scan_folder: Path) -> None:
        for path in scan_folder.glob("*_F3D.bnd"):
            lines = path.read_text().splitlines()
            assert len(lines) == 83
            assert all(re.fullmatch(r"\d+\t\t-?[\d.]+ -?[\d.]+ -?[\d.]+", line) for line in lines)
            landmarks = read_bnd(path)
            vertices = read_vrml(path.with_suffix(".wrl")).vertices
            assert np.array_equal(vertices[landmarks.indices], landmarks.points)

    def test_the_left_eye_lies_at_positive_x(self, scan_folder: Path) -> None:
        points = read_bnd(next(scan_folder.glob("*NE00*_F3D.bnd"))).points
        assert points[4, 0] > points[0, 0] > points[8, 0] > points[12, 0]
        assert points[75, 1] < points[57, 1] < points[51, 1] < points[42, 1] < points[0, 1]

    def test_pose_points_are_vertices_of_the_raw_scan(self, scan_folder: Path) -> None:
        path = next(scan_folder.glob("*SU04*_RAW.pse"))
        rows = np.array([line.split() for line in path.read_text().splitlines()], dtype=float)
        vertices = read_vrml(path.with_suffix(".wrl")).vertices
        assert rows.shape == (8, 4)
        assert np.array_equal(vertices[rows[:, 0].astype(int)], rows[:, 1:])
        assert len(read_pse(path)) == 8

    def test_the_face_has_about_8k_vertices_in_millimetres(self, scan_folder: Path) -> None:
        vertices = read_vrml(next(scan_folder.glob("*NE00*_F3D.wrl"))).vertices
        span = vertices.max(axis=0) - vertices.min(axis=0)
        assert 7500 < len(vertices) < 8500
        assert 110 < span[0] < 165
        assert 140 < span[1] < 200
        assert 60 < span[2] < 110

    def test_seams_and_quads_are_there(self, scan_folder: Path) -> None:
        path = next(scan_folder.glob("*NE00*_F3D.wrl"))
        mesh = read_vrml(path)
        assert len(mesh.uvs) > len(mesh.vertices)
        assert not np.array_equal(mesh.faces, mesh.uv_faces)
        coord_index = path.read_text().split("coordIndex [")[1].split("]")[0]
        corners = [row.count(",") - 1 for row in coord_index.strip().splitlines()]
        quads = sum(count == 4 for count in corners) / len(corners)
        assert set(corners) == {3, 4}
        assert 0.05 < quads < 0.4

    def test_texture_coordinates_lie_in_the_picture(self, scan_folder: Path) -> None:
        for path in (next(scan_folder.glob("*_F3D.wrl")), next(scan_folder.glob("*_RAW.wrl"))):
            uvs = read_vrml(path).uvs
            assert uvs.min() >= 0.0
            assert uvs.max() <= 1.0

    def test_the_header_has_nineteen_lines(self, scan_folder: Path) -> None:
        lines = next(scan_folder.glob("*_F3D.wrl")).read_text().splitlines()
        assert lines[0].startswith("#VRML V2.0 utf8")
        assert lines[18].strip() == "coord Coordinate { point ["
        assert re.fullmatch(r"-?[\d.]+ -?[\d.]+ -?[\d.]+,", lines[19])

    def test_raw_is_not_aligned_with_the_face(self, scan_folder: Path) -> None:
        landmarks = read_bnd(next(scan_folder.glob("*NE00*_F3D.bnd"))).points
        pose = np.loadtxt(next(scan_folder.glob("*NE00*_RAW.pse")))[:, 1:]
        assert np.linalg.norm(pose[0] - landmarks[0]) > 3.0

    def test_pictures_are_24_bit_of_the_right_size(self, scan_folder: Path) -> None:
        for ending, size in (("F3D", 64), ("F2D", 512)):
            with Image.open(next(scan_folder.glob(f"*NE00*_{ending}.bmp"))) as picture:
                assert picture.size == (size, size)
                assert picture.mode == "RGB"
                assert picture.format == "BMP"


class TestSameBytes:
    def test_one_process_gives_the_bytes_of_two(
        self, standins: SynthesisSummary, tmp_path: Path
    ) -> None:
        again = synthesise_bu3dfe(tmp_path / "again", subjects=1, seed=5, texture_size=64)
        assert digest(again.root / "F0001") == digest(standins.root / "F0001")

    def test_another_seed_gives_other_people(
        self, standins: SynthesisSummary, tmp_path: Path
    ) -> None:
        other = synthesise_bu3dfe(tmp_path / "other", subjects=1, seed=6, **FACE_ONLY)
        mine = next((other.root / "F0001").glob("*NE00*_F3D.wrl")).read_bytes()
        assert mine != next((standins.root / "F0001").glob("*NE00*_F3D.wrl")).read_bytes()

    def test_the_dense_mesh_has_about_18k_vertices(self) -> None:
        from fertools.synth.landmarks import bnd_vertices
        from fertools.synth.topology import load_topology

        mesh = load_topology("18k").f3d
        assert 17_000 < mesh.matrix.shape[0] < 19_000
        assert len(set(bnd_vertices(mesh).tolist())) == 83


class TestResume:
    @pytest.fixture
    def copied(self, standins: SynthesisSummary, tmp_path: Path) -> Path:
        root = tmp_path / "copy"
        shutil.copytree(standins.root, root)
        return root

    def test_whole_subjects_are_kept(self, copied: Path) -> None:
        again = synthesise_bu3dfe(copied, subjects=2, seed=5, texture_size=64)
        assert (again.made, again.kept) == (0, 2)

    def test_a_half_written_subject_is_made_anew(
        self, copied: Path, standins: SynthesisSummary
    ) -> None:
        victim = next((copied / "M0001").glob("*HA03*_F3D.wrl"))
        victim.write_bytes(victim.read_bytes()[:5000])
        (copied / ".partial-M0001").mkdir()
        again = synthesise_bu3dfe(copied, subjects=2, seed=5, texture_size=64)
        assert (again.made, again.kept) == (1, 1)
        assert digest(copied / "M0001") == digest(standins.root / "M0001")
        assert not (copied / ".partial-M0001").exists()

    @pytest.mark.parametrize("ending", ["F3D.wrl", "F3D.bmp", "F3D.bnd", "RAW.pse", "F2D.bmp"])
    def test_a_file_that_is_cut_off_or_missing_is_noticed(self, copied: Path, ending: str) -> None:
        options = bu3dfe.ScanOptions(seed=5, texture_size=64)
        task = bu3dfe.SubjectTask(copied, 0, options)
        assert bu3dfe.subject_is_whole(task)
        victim = next((copied / "F0001").glob(f"*SA02*_{ending}"))
        victim.write_bytes(victim.read_bytes()[:40])
        assert not bu3dfe.subject_is_whole(task)
        victim.unlink()
        assert not bu3dfe.subject_is_whole(task)

    def test_other_options_are_refused_and_named(self, copied: Path) -> None:
        with pytest.raises(ConfigError, match=r"seed 5 \(now 6\), texture_size 64 \(now 128\)"):
            synthesise_bu3dfe(copied, subjects=2, seed=6, texture_size=128)

    def test_fewer_subjects_are_refused(self, copied: Path) -> None:
        with pytest.raises(ConfigError, match="holds 2 subjects, asked for 1"):
            synthesise_bu3dfe(copied, subjects=1, seed=5, texture_size=64)

    def test_a_full_disk_is_one_clear_error_and_leaves_no_half_subject(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written = Path.write_bytes

        def full(path: Path, data: bytes) -> int:
            if "DI02" in path.name:
                raise OSError(errno.ENOSPC, "No space left on device")
            return written(path, data)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", full)
            with pytest.raises(OutputError, match="no space left"):
                synthesise_bu3dfe(tmp_path / "full", subjects=1, seed=5, **FACE_ONLY)
        left = sorted(path.name for path in (tmp_path / "full").iterdir())
        assert left == [".lock", "SYNTHETIC.json"]
        assert json.loads((tmp_path / "full/SYNTHETIC.json").read_text())["complete"] is False


class TestBadInput:
    def test_a_missing_wheel_names_the_extra(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r'pip install "fertools\[synth\]"'):
            synthesise_bu3dfe(tmp_path / "none", subjects=1, seed=0)
        assert not (tmp_path / "none").exists()

    @pytest.mark.parametrize(
        ("option", "value"),
        [("subjects", 0), ("seed", -1), ("texture_size", 8), ("workers", 0), ("density", "9k")],
    )
    def test_an_option_out_of_range_is_named(self, tmp_path: Path, option: str, value: Any) -> None:
        options: dict[str, Any] = {"subjects": 1, "seed": 0, option: value}
        with pytest.raises(ConfigError, match=f"{option} is {value!r}"):
            synthesise_bu3dfe(tmp_path / "out", **options)

    def test_a_folder_of_something_else_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "F0001").mkdir()
        with pytest.raises(OutputError, match=r"holds 'F0001' and no SYNTHETIC\.json"):
            synthesise_bu3dfe(tmp_path, subjects=1, seed=0)

    def test_a_broken_marker_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "SYNTHETIC.json").write_text("{")
        with pytest.raises(OutputError, match=r"SYNTHETIC\.json"):
            synthesise_bu3dfe(tmp_path, subjects=1, seed=0)


def test_women_and_men_take_turns() -> None:
    names = [bu3dfe.subject_name(number)[0] for number in range(4)]
    assert names == ["F0001", "M0001", "F0002", "M0002"]
