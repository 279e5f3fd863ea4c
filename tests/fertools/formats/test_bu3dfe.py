from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fertools.errors import DatasetError, ScanError
from fertools.formats.bu3dfe import find_scans, read_scan

Make = Callable[..., Path]


def test_scans_are_found_with_what_their_names_say(tmp_path: Path, make_bu3dfe: Make) -> None:
    scans = find_scans(make_bu3dfe(tmp_path, levels=(1, 4)))
    assert len(scans) == 2 * 6 * 2
    first = scans[0]
    assert (first.scan_id, first.subject_id, first.expression) == ("F0001_AN01", "F0001", "anger")
    assert (first.intensity, first.ethnicity, first.mesh) == (1, "WH", "F3D")
    assert [p.name for p in (first.texture, first.landmarks)] == [
        "F0001_AN01WH_F3D.bmp",
        "F0001_AN01WH_F3D.bnd",
    ]
    assert len(read_scan(first).faces) == 2 * 11 * 11


def test_subjects_one_level_deeper_are_found(tmp_path: Path, make_bu3dfe: Make) -> None:
    make_bu3dfe(tmp_path / "BU_3DFE")
    assert len(find_scans(tmp_path)) == 12


def test_a_raw_mesh_takes_its_own_points_and_the_f3d_texture(
    tmp_path: Path, make_bu3dfe: Make
) -> None:
    folder = make_bu3dfe(tmp_path) / "F0001"
    (folder / "F0001_AN04WH_F3D.wrl").rename(folder / "F0001_AN04WH_RAW.wrl")
    (scan,) = find_scans(tmp_path, "RAW")
    assert scan.texture.name == "F0001_AN04WH_F3D.bmp"
    assert scan.landmarks.name == "F0001_AN04WH_RAW.pse"


def test_suffixes_in_capitals_are_accepted(tmp_path: Path, make_bu3dfe: Make) -> None:
    folder = make_bu3dfe(tmp_path) / "F0001"
    for suffix in ("wrl", "bmp"):
        path = folder / f"F0001_AN04WH_F3D.{suffix}"
        path.rename(path.with_suffix(f".{suffix.upper()}"))
    read_scan(find_scans(tmp_path)[0])


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("F0001_AN05WH_F3D.wrl", "does not follow BU-3DFE's pattern"),
        ("F0001_AN04_F3D.wrl", "does not follow BU-3DFE's pattern"),
        ("F0001_NE04WH_F3D.wrl", "neutral has 00"),
        ("F0002_AN03WH_F3D.wrl", "folder of another subject"),
        ("F0001_AN03BL_F3D.wrl", "ethnicity code"),
        ("f0001_an04wh_f3d.wrl", "is also in"),
    ],
)
def test_a_name_that_only_nearly_fits_is_reported(
    tmp_path: Path, make_bu3dfe: Make, name: str, match: str
) -> None:
    folder = make_bu3dfe(tmp_path) / "F0001"
    (folder / name).write_bytes((folder / "F0001_AN04WH_F3D.wrl").read_bytes())
    with pytest.raises(DatasetError, match=match):
        find_scans(tmp_path)


def test_a_folder_without_subjects_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with pytest.raises(DatasetError, match="no subject's folder"):
        find_scans(tmp_path)


def test_the_other_mesh_is_offered(tmp_path: Path, make_bu3dfe: Make) -> None:
    with pytest.raises(DatasetError, match=r"no \*_RAW\.wrl .*--mesh"):
        find_scans(make_bu3dfe(tmp_path), "RAW")


def test_a_missing_texture_is_named(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path)
    (root / "F0001" / "F0001_AN04WH_F3D.bmp").unlink()
    with pytest.raises(ScanError, match=r"F0001_AN04WH_F3D\.bmp: the texture is missing"):
        read_scan(find_scans(root)[0])
