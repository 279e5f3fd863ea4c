from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fertools.errors import DatasetError, ScanError
from fertools.formats.bu3dfe import (
    FoundScans,
    ScanFiles,
    find_scans,
    is_standin,
    read_landmarks,
    read_scan,
    scan_files,
)

Make = Callable[..., Path]
STEM = "F0001_AN04WH_F3D"


def the_fault(found: FoundScans) -> str:
    (fault,) = found.faults
    return str(fault)


def one_scan(make: Make, root: Path) -> ScanFiles:
    """The first scan of a stand-in, alone in its folder."""
    folder = make(root, subjects=1) / "F0001"
    for path in folder.iterdir():
        if not path.name.startswith("F0001_AN04WH"):
            path.unlink()
    (files,) = find_scans(root).scans
    return files


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


class TestFindScans:
    def test_scans_are_found_with_what_their_names_say(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        found = find_scans(make_bu3dfe(tmp_path, levels=(1, 4)))
        assert len(found.scans) == 2 * 6 * 2
        assert found.faults == ()
        first = found.scans[0]
        assert (first.scan_id, first.subject_id) == ("F0001_AN01", "F0001")
        assert (first.expression, first.intensity) == ("anger", 1)
        assert (first.ethnicity, first.mesh) == ("WH", "F3D")
        assert [p.name for p in (first.wrl, first.texture, first.landmarks)] == [
            f"F0001_AN01WH_F3D.{suffix}" for suffix in ("wrl", "bmp", "bnd")
        ]
        assert [s.scan_id for s in found.scans] == sorted(s.scan_id for s in found.scans)

    def test_neutral_has_no_intensity(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        wrl = one_scan(make_bu3dfe, tmp_path).wrl
        wrl.rename(wrl.with_name("F0001_NE00WH_F3D.wrl"))
        (scan,) = find_scans(tmp_path).scans
        assert (scan.scan_id, scan.expression, scan.intensity) == ("F0001_NE00", "neutral", None)

    def test_subjects_one_level_deeper_are_found(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        make_bu3dfe(tmp_path / "BU_3DFE")
        assert len(find_scans(tmp_path).scans) == 12

    def test_subjects_on_both_levels_are_found(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        make_bu3dfe(tmp_path / "women", subjects=1)
        (make_bu3dfe(tmp_path / "all") / "M0001").rename(tmp_path / "M0001")
        (tmp_path / "all" / "F0001").rename(tmp_path / "all" / "other")
        assert {s.subject_id for s in find_scans(tmp_path).scans} == {"F0001", "M0001"}

    def test_an_archives_own_folder_is_entered(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        make_bu3dfe(tmp_path / "inner", subjects=1)
        (tmp_path / "set" / "F0001").mkdir(parents=True)
        (tmp_path / "inner" / "F0001").rename(tmp_path / "set" / "F0001" / "f0001")
        found = find_scans(tmp_path / "set")
        assert (len(found.scans), found.faults) == (6, ())

    def test_a_raw_mesh_takes_its_own_points_and_the_f3d_texture(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        folder = make_bu3dfe(tmp_path) / "F0001"
        (folder / f"{STEM}.wrl").rename(folder / "F0001_AN04WH_RAW.wrl")
        (scan,) = find_scans(tmp_path, "RAW").scans
        assert scan.texture.name == f"{STEM}.bmp"
        assert scan.landmarks.name == "F0001_AN04WH_RAW.pse"

    def test_names_in_capitals_or_small_letters_are_accepted(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        for path in (files.wrl, files.texture, files.landmarks):
            path.rename(path.with_name(path.stem.lower() + path.suffix.upper()))
        (scan,) = find_scans(tmp_path).scans
        assert scan.scan_id == "F0001_AN04"
        assert len(read_landmarks(scan, read_scan(scan))) == 83

    def test_what_is_no_part_of_the_set_is_passed_over(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        folder = make_bu3dfe(tmp_path, subjects=1) / "F0001"
        for name in ("F0001_AN04WH_F2D.bmp", "notes.txt", "head.wrl.gz", "._F0001_AN04WH_F3D.wrl"):
            (folder / name).write_bytes(b"")
        (folder / "thumbs").mkdir()
        (tmp_path / "__MACOSX" / "F0001").mkdir(parents=True)
        assert find_scans(tmp_path).faults == ()

    @pytest.mark.parametrize(
        ("name", "match"),
        [
            ("F0001_AN05WH_F3D.wrl", r"AN05.*pattern, as in 'F0001_AN01WH_F3D\.wrl'"),
            ("F0001_AN04_F3D.wrl", "does not follow BU-3DFE's pattern"),
            ("F0001_AN04WH_F3D (2).wrl", "does not follow BU-3DFE's pattern"),
            ("face.wrl", "does not follow BU-3DFE's pattern"),
            ("F0001_AN4WH_F3D.bnd", r"pattern, as in 'F0001_AN01WH_F3D\.bnd'"),
            ("F0001_ANO4WH_F3D.bmp", r"pattern, as in 'F0001_AN01WH_F3D\.bmp'"),
            ("F0001_NE04WH_F3D.wrl", "'NE' with intensity 04; neutral has 00"),
            ("F0001_AN00WH_F3D.wrl", "'AN' with intensity 00; neutral has 00"),
            ("F0002_AN03WH_F3D.wrl", "lies in the folder of another subject, F0001"),
            ("F0001_AN03BL_F3D.wrl", "ethnicity code 'BL', but other files .* say 'WH'"),
        ],
    )
    def test_a_name_that_only_nearly_fits_is_a_fault(
        self, tmp_path: Path, make_bu3dfe: Make, name: str, match: str
    ) -> None:
        path = make_bu3dfe(tmp_path) / "F0001" / name
        path.write_bytes(b"")
        found = find_scans(tmp_path)
        assert len(found.scans) == 12
        assert re.search(match, the_fault(found))
        assert the_fault(found).startswith(f"{path}: ")

    def test_two_ethnicity_codes_in_equal_numbers_leave_neither(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        wrl = one_scan(make_bu3dfe, tmp_path).wrl
        wrl.with_name("F0001_AN03BL_F3D.wrl").write_bytes(b"")
        with pytest.raises(DatasetError, match=r"can be used.*ethnicity code.*\(and 1 more"):
            find_scans(tmp_path)

    def test_a_scan_that_is_there_twice_is_not_used(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        folder = make_bu3dfe(tmp_path) / "F0001"
        (folder / f"{STEM.lower()}.wrl").write_bytes((folder / f"{STEM}.wrl").read_bytes())
        found = find_scans(tmp_path)
        assert "F0001_AN04" not in {s.scan_id for s in found.scans}
        assert {f.scan_id for f in found.faults} == {"F0001_AN04"}
        assert len(found.faults) == 2
        assert all("the scan F0001_AN04 is also in" in f.reason for f in found.faults)

    def test_a_subject_that_is_there_twice_is_not_used(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        make_bu3dfe(tmp_path / "a")
        make_bu3dfe(tmp_path / "b", subjects=1)
        found = find_scans(tmp_path)
        assert {s.subject_id for s in found.scans} == {"M0001"}
        assert [f.path for f in found.faults] == [tmp_path / d / "F0001" for d in "ab"]
        assert "subject F0001 is also in" in found.faults[0].reason

    def test_an_empty_folder_is_no_second_subject(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        make_bu3dfe(tmp_path / "b", subjects=1)
        (tmp_path / "a" / "F0001").mkdir(parents=True)
        found = find_scans(tmp_path)
        assert (len(found.scans), found.faults) == (6, ())

    def test_a_link_to_the_same_folder_is_no_second_subject(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        make_bu3dfe(tmp_path / "v1", subjects=1)
        (tmp_path / "latest").symlink_to(tmp_path / "v1")
        found = find_scans(tmp_path)
        assert (len(found.scans), found.faults) == (6, ())

    @pytest.mark.parametrize("name", ["F001", "F0001_copy", "m12", " F0002", "F_0002"])
    def test_a_folder_that_is_nearly_a_subjects_is_a_fault(
        self, tmp_path: Path, make_bu3dfe: Make, name: str
    ) -> None:
        (make_bu3dfe(tmp_path) / name).mkdir()
        assert "begins like a subject's folder but is none" in the_fault(find_scans(tmp_path))

    def test_a_subject_without_scans_is_a_fault(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        (make_bu3dfe(tmp_path) / "F0007").mkdir()
        assert the_fault(find_scans(tmp_path)) == (
            f"{tmp_path / 'F0007'}: holds no *_F3D.wrl; unpack its archive again"
        )

    def test_files_outside_of_a_subjects_folder_are_faults(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        (make_bu3dfe(tmp_path) / "F0003_AN04WH_F3D.wrl").write_bytes(b"")
        assert "lies in no subject's folder" in the_fault(find_scans(tmp_path))

    def test_a_folder_within_a_subjects_is_a_fault(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        (make_bu3dfe(tmp_path) / "F0001" / "F0002").mkdir()
        assert "is a folder within a subject's folder" in the_fault(find_scans(tmp_path))

    def test_a_link_that_leads_nowhere_is_a_fault(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path)
        (root / "F0009").symlink_to(tmp_path / "unmounted")
        assert "F0009: cannot be listed: No such file" in the_fault(find_scans(root))
        (root / "F0009").unlink()
        (root / "F0001" / "F0001_AN03WH_F3D.wrl").symlink_to(tmp_path / "unmounted")
        assert "is a link that leads nowhere" in the_fault(find_scans(root))

    def test_a_link_to_itself_is_a_fault(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        loop = make_bu3dfe(tmp_path) / "F0009"
        loop.symlink_to(loop)
        assert "cannot be listed: Too many levels" in the_fault(find_scans(tmp_path))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
    def test_a_folder_that_may_not_be_entered_is_a_fault(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        folder = make_bu3dfe(tmp_path) / "F0001"
        folder.chmod(0)
        try:
            assert "cannot be listed: Permission denied" in the_fault(find_scans(tmp_path))
        finally:
            folder.chmod(0o755)

    def test_a_folder_without_subjects_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "pictures").mkdir()
        with pytest.raises(DatasetError, match="no subject's folder"):
            find_scans(tmp_path)
        with pytest.raises(DatasetError, match="is not a folder"):
            find_scans(tmp_path / "nowhere")

    def test_the_other_mesh_is_offered(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        with pytest.raises(DatasetError, match=r"no \*_RAW\.wrl .*--mesh"):
            find_scans(make_bu3dfe(tmp_path), "RAW")


class TestScanFiles:
    def test_the_files_beside_a_mesh_are_found(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        assert scan_files(files.wrl) == files

    def test_the_folder_may_have_any_name(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        files.wrl.parent.rename(tmp_path / "some")
        assert scan_files(tmp_path / "some" / files.wrl.name).texture.parent.name == "some"

    @pytest.mark.parametrize(
        ("name", "match"),
        [
            ("face.wrl", "does not follow"),
            (f"{STEM}.obj", "does not follow"),
            ("F0001_NE01WH_F3D.wrl", "neutral has 00"),
        ],
    )
    def test_another_name_is_refused(self, tmp_path: Path, name: str, match: str) -> None:
        with pytest.raises(DatasetError, match=match):
            scan_files(tmp_path / name)


class TestReadScan:
    def test_mesh_texture_and_landmarks_belong_together(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        scan = read_scan(files)
        assert len(scan.faces) == len(scan.uv_faces) == 2 * 11 * 11
        assert (scan.textured, scan.texture_path) == (True, files.texture)
        marks = read_landmarks(files, scan)
        distances = np.linalg.norm(marks[:, None] - scan.vertices[None], axis=-1).min(axis=1)
        assert distances.max() == 0.0

    def test_a_large_mesh_is_refused(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        with pytest.raises(ScanError, match=r"the limit is 0\.001 MB; .*--max-scan-mb"):
            read_scan(files, max_scan_mb=0.001)

    def test_a_missing_texture_is_an_error_or_a_grey_face(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        files.texture.unlink()
        with pytest.raises(ScanError, match=rf"{STEM}\.bmp: the texture is missing"):
            read_scan(files)
        scan = read_scan(files, missing_texture="grey")
        assert (scan.textured, scan.texture_path) == (False, None)
        assert scan.texture.tolist() == [[[128, 128, 128]]]
        assert (scan.uvs.tolist(), scan.uv_faces.max()) == ([[0.0, 0.0]], 0)

    def test_a_mesh_without_texture_coordinates_is_an_error_or_a_grey_face(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        files.wrl.write_text(files.wrl.read_text().partition("texCoord ")[0] + "} }")
        with pytest.raises(ScanError, match="has no texture coordinates"):
            read_scan(files)
        assert not read_scan(files, missing_texture="grey").textured

    def test_a_damaged_texture_is_never_a_grey_face(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        files.texture.write_bytes(b"BM")
        with pytest.raises(ScanError, match="is not a BMP, PNG or JPEG"):
            read_scan(files, missing_texture="grey")

    @pytest.mark.parametrize("name", ["mine.png", "Mine.PNG"])
    def test_the_url_names_the_texture_where_the_name_does_not(
        self, tmp_path: Path, make_bu3dfe: Make, name: str
    ) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        edit(files.wrl, "other#name.bmp", r"C:\\scans\mine.png")
        Image.open(files.texture).save(files.wrl.with_name(name))
        assert read_scan(files).texture_path == files.texture
        files.texture.unlink()
        assert read_scan(files).texture_path == files.wrl.with_name(name)

    @pytest.mark.parametrize(
        "url", ["../secret.bmp", "a/../../secret.bmp", "..", "/etc/passwd", "", "."]
    )
    def test_a_url_never_leads_out_of_the_folder(
        self, tmp_path: Path, make_bu3dfe: Make, url: str
    ) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        files.texture.rename(files.wrl.parents[1] / "secret.bmp")
        edit(files.wrl, "other#name.bmp", url)
        with pytest.raises(ScanError, match=rf"{STEM}\.bmp: the texture is missing"):
            read_scan(files)

    @pytest.mark.parametrize(("v", "is_ok"), [("-0.009", True), ("1.01", True), ("1.02", False)])
    def test_texture_coordinates_may_lie_slightly_beyond_the_picture(
        self, tmp_path: Path, make_bu3dfe: Make, v: str, is_ok: bool
    ) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        edit(files.wrl, "1.00000 1.00000, ", f"1.00000 {v}, ")
        if is_ok:
            assert read_scan(files).uvs[0, 1] == float(v)
            return
        with pytest.raises(ScanError, match=r"row 0 is \(1, 1\.02\), expected 0 to 1 .*48 x 32"):
            read_scan(files)

    def test_texture_coordinates_in_pixels_are_recognised(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        edit(files.wrl, "1.00000 1.00000, ", "47 31, ")
        with pytest.raises(ScanError, match=r"\(47, 31\), .*; they look like pixels"):
            read_scan(files)

    def test_a_pipe_is_never_opened(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        scan = read_scan(files)
        for path in (files.landmarks, files.texture, files.wrl):
            path.unlink()
            os.mkfifo(path)
        with pytest.raises(ScanError, match=r"\.bnd: is a pipe or a device"):
            read_landmarks(files, scan)
        with pytest.raises(ScanError, match=r"\.wrl: is a pipe or a device"):
            read_scan(files)
        with pytest.raises(ScanError, match=r"\.wrl: is a pipe or a device"):
            is_standin(files)


class TestReadLandmarks:
    def test_points_of_another_mesh_are_refused(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        scan = read_scan(files)
        with pytest.raises(ScanError, match=r"names vertex \d+, but .* has 5; .*belong together"):
            read_landmarks(files, replace(scan, vertices=scan.vertices[:5]))

    def test_missing_points_are_named(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        scan = read_scan(files)
        files.landmarks.unlink()
        with pytest.raises(ScanError, match=r"\.bnd: the file of landmarks is missing"):
            read_landmarks(files, scan)

    def test_a_raw_mesh_has_pose_points(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        files = one_scan(make_bu3dfe, tmp_path)
        raw = files.wrl.with_name("F0001_AN04WH_RAW.wrl")
        files.wrl.rename(raw)
        raw.with_suffix(".pse").write_text("".join(f"{i} {i}.5 0 -1\n" for i in range(9)))
        (files,) = find_scans(tmp_path, "RAW").scans
        assert read_landmarks(files, read_scan(files)).shape == (9, 3)
