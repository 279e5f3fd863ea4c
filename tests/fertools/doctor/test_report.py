"""What a report says of a folder's shape and of how its files are written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fertools.doctor import DoctorReport, examine, locate_sets, to_markdown
from fertools.doctor.array_files import tally_mat, tally_npy
from fertools.doctor.layouts import LAYOUTS, SETS
from fertools.doctor.masking import mask_name
from fertools.doctor.picture_files import describe_bitmap, tally_pictures
from fertools.doctor.report import GroupReport
from fertools.doctor.scan_files import describe_scan
from fertools.doctor.text_files import TextDialect, describe_text
from fertools.doctor.walk import walk_folder
from fertools.doctor.wording import mask_error, mask_message, mask_place
from fertools.errors import ConfigError, DatasetError

Make = Callable[..., Path]


def dialect(tmp_path: Path, content: bytes) -> TextDialect:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    return describe_text(path)


def group_of(report: DoctorReport, pattern: str) -> GroupReport:
    (group,) = (group for group in report.groups if group.pattern == pattern)
    return group


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("F0001_AN01WH_F3D.wrl", "[FM]#{4}_<EX>#{2}<ETH>_F3D.wrl"),
        ("f0001_an01wh_f3d.bnd", "[fm]#{4}_<ex>#{2}<eth>_f3d.bnd"),
        ("F0001-AN01XX.wrl", "[FM]#{4}-A#{2}A.wrl"),
        ("001_02_02_051_07.png", "#{3}_#{2}_#{2}_#{3}_#{2}.png"),
        ("train_00001_aligned.jpg", "train_#{5}_aligned.jpg"),
        ("0123456789abcdef" * 3 + "01234567.JPG", "<hex 56>.JPG"),
        ("Manually_Annotated_Images", "Manually_Annotated_Images"),
        ("Anna Müller.txt", "Aa Aa.txt"),
        ("名前.png", "x.png"),
    ],
)
def test_a_name_becomes_its_pattern(name: str, pattern: str) -> None:
    assert mask_name(name) == pattern


@pytest.mark.parametrize(
    ("dataset", "share"),
    [("bu3dfe", 15), ("multipie", 7), ("rafdb", 5), ("affectnet", 6)],
)
def test_files_of_the_published_layout_fit(
    dataset: str, share: int, tmp_path: Path, make_set: Make
) -> None:
    report = examine(dataset, make_set(dataset, tmp_path), with_readers=False)
    assert report.num_expected == share
    assert report.num_expected == sum(group.num_expected for group in report.groups)


def test_the_first_fault_of_the_reader_is_told_with_its_place(
    tmp_path: Path, make_set: Make
) -> None:
    report = examine("rafdb", make_set("rafdb", tmp_path, word="Glad"))
    (reading,) = report.readings
    assert reading.first_fault is not None
    assert reading.first_fault.startswith("EmoLabel/list_patition_label.txt, line 3: label 'Aa'")
    assert reading.num_read == 2


def test_scans_are_read_with_their_landmarks(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path, subjects=1)
    bad = root / "F0001" / "F0001_DI04WH_F3D.wrl"
    bad.write_text(bad.read_text().replace("coordIndex [", "coordIndex [ Qwer ", 1))
    reading, raw = examine("bu3dfe", root).readings
    assert (reading.num_read, reading.num_faults) == (5, 1)
    assert reading.first_fault is not None
    assert re.search(
        r"F3D\.wrl, line \d+: coordIndex: 'Aa' where a number belongs", reading.first_fault
    )
    assert raw.error is not None


def test_no_scan_is_read_if_none_is_asked_for(tmp_path: Path, make_bu3dfe: Make) -> None:
    reading, _ = examine("bu3dfe", make_bu3dfe(tmp_path, subjects=1), max_scans=0).readings
    assert reading.num_read == 0
    assert reading.is_cut


def test_a_message_keeps_no_number(tmp_path: Path) -> None:
    said = f"{tmp_path}/Zyx/F0001_AN01WH_F3D.bnd: has 82 landmarks, expected 83; unpack it again"
    assert mask_message(said, tmp_path) == (
        "<root>/Aa/[FM]#{4}_<EX>#{2}<ETH>_F3D.bnd: has N landmarks, expected N; unpack it again"
    )
    assert mask_message("line 7: '12 a': row 3 is (5.5, 9)") == "line N: '#{2} a': row N is (N, N)"


@pytest.mark.parametrize("sign", ["'", '"', "b'", "{'", "('"])
def test_nothing_is_told_behind_a_quotation_that_was_cut(sign: str) -> None:
    said = mask_message(f"is no list: {sign}Anna Smith from 491511, line 19750412; expected labels")
    assert re.fullmatch(r"is no list: [?(]?['\"]…", said)


def test_a_line_is_told_beside_its_path(tmp_path: Path) -> None:
    assert mask_place("a/b.txt, line 12", "has 5 cells") == "a/a.txt, line 12: has N cells"
    assert mask_place("a/b.txt", "line 12 has 5 cells") == "a/a.txt, line 12: has N cells"
    assert mask_place("Anna, line 1975") == "Aa, a #{4}"
    said = f"{tmp_path}/b.txt: line 12 is not UTF-8 text (byte 99)"
    assert mask_error(said, tmp_path) == "<root>/a.txt: line N is not UTF-8 text (byte N)"
    (tmp_path / "b.txt").touch()
    assert mask_error(said, tmp_path) == "<root>/a.txt, line 12: is not UTF-8 text (byte N)"


@pytest.mark.parametrize(
    ("content", "encoding", "ends", "newline", "delimiter", "widths"),
    [
        (b"a.jpg 1\nb.jpg 2\n", "ASCII", {"LF": 2}, True, "blanks", {2: 2}),
        (b"a,b\r\n1,2\r\n3,4", "ASCII", {"CRLF": 2}, False, "comma", {2: 3}),
        (b"\xef\xbb\xbfa;1\nb;2\r\n", "UTF-8 with byte order mark", {"LF": 1, "CRLF": 1}, True,
         "semicolon", {2: 2}),
        (b"1247 7\n1\n2\n3\n", "ASCII", {"LF": 4}, True, "none", {1: 4}),
        ("ä\tb c\nö\td\n".encode(), "UTF-8", {"LF": 2}, True, "tab", {2: 2}),
        (b"\xe4 1\n", "not UTF-8 (one byte a character?)", {"LF": 1}, True, "blanks", {2: 1}),
        (b"", "ASCII", {}, False, "none", {}),
    ],
)  # fmt: skip
def test_dialects(
    content: bytes,
    encoding: str,
    ends: dict[str, int],
    newline: bool,
    delimiter: str,
    widths: dict[int, int],
    tmp_path: Path,
) -> None:
    found = dialect(tmp_path, content)
    assert found.encoding == encoding
    assert found.line_ends == ends
    assert found.ends_with_newline is newline
    assert found.delimiter == delimiter
    assert found.widths == widths
    assert found.num_lines == (max(1, sum(widths.values())) if content else 0)


def test_columns_of_a_list_with_a_heading(tmp_path: Path) -> None:
    points = ";".join(["1.5"] * 136)
    rows = "".join(f"{i}/0123456789abcdef0{i}.jpg,{i},{points},0.5\n" for i in range(3))
    found = dialect(
        tmp_path, f"subDirectory_filePath,Qwer,facial_landmarks,valence\n{rows}".encode()
    )
    assert found.has_heading
    headings = [column.heading for column in found.columns]
    assert headings == ["subDirectory_filePath", "Aa", "facial_landmarks", "valence"]
    assert [column.types[0] for column in found.columns] == [
        "path",
        "integer",
        "list of numbers",
        "decimal",
    ]
    assert found.columns[0].patterns == ("#{1}/<hex 18>.jpg",)
    assert found.columns[2].list_lengths == (136,)


def test_a_heading_is_not_made_of_a_first_row(tmp_path: Path) -> None:
    assert not dialect(tmp_path, b"a/b.jpg,1\nc/d.jpg,2\n").has_heading


def test_the_blanks_between_landmarks_are_told(tmp_path: Path) -> None:
    assert dialect(tmp_path, b"12\t\t-1.5 2 3\n7\t\t1 2 3\n").shapes == (r"N\t\tN N N",)


def test_a_scan_is_described_without_its_words(tmp_path: Path, make_set: Make) -> None:
    root = make_set("bu3dfe", tmp_path, free="Qwer", word="Zyx")
    scan = describe_scan(root / "F0001" / "F0001_AN01WH_F3D.wrl")
    assert scan.header[:3] == (
        "#VRML V2.0 utf8 <more>",
        "#<comment>",
        'WorldInfo { title "<string>" info ["<string>" "<string>"] }',
    )
    assert scan.first_list_line == 5
    assert [block.name for block in scan.blocks] == [
        "Coordinate point",
        "coordIndex",
        "TextureCoordinate point",
        "texCoordIndex",
    ]
    assert scan.blocks[1].polygons == {3: 2}
    assert scan.blocks[0].decimals == (0, 2)
    assert scan.has_own_texture_numbers is True
    assert scan.ends_closed


def test_a_scan_cut_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.wrl"
    path.write_text("#VRML V2.0 utf8\nShape { geometry IndexedFaceSet { coord Coordinate { point [")
    assert not describe_scan(path).ends_closed


def test_a_bitmap_header(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    Image.new("RGB", (5, 3)).save(path)
    path.write_bytes(path.read_bytes() + b"??")
    head = describe_bitmap(path)
    assert head is not None
    assert (head.width, head.height, head.bits, head.compression, head.num_left) == (5, 3, 24, 0, 2)


def test_pictures_are_tallied_by_their_headers(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")]
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (4, 6)).save(paths[0], exif=exif)
    Image.new("RGB", (9, 6)).save(paths[1])
    Image.new("RGB", (9, 6)).save(paths[2], format="PNG")
    paths[3].write_bytes(b"no picture")
    tally = tally_pictures(paths)
    assert tally.formats == {"JPEG": 2, "PNG": 1}
    assert tally.modes == {"RGB": 2, "L": 1}
    assert tally.sizes == {"9 x 6": 2, "4 x 6": 1}
    assert (tally.num_with_exif, tally.num_turned) == (1, 1)
    assert (tally.num_misnamed, tally.num_unreadable) == (1, 1)


def test_arrays_are_told_by_their_headers(tmp_path: Path) -> None:
    import scipy.io

    np.save(tmp_path / "a.npy", np.array("3"))
    np.save(tmp_path / "b.npy", np.zeros((2, 3), ">f4", order="F"))
    np.save(tmp_path / "c.npy", np.array([object()]), allow_pickle=True)
    (tmp_path / "d.npy").write_bytes(b"\x93NUMPY")
    tally = tally_npy(sorted(tmp_path.glob("*.npy")))
    assert set(tally.headers) == {
        "string, shape (), version 1.0",
        "float of 4 bytes, big-endian, shape (2, 3), Fortran order, version 1.0",
        "Python object, shape (1,), version 1.0",
    }
    assert tally.num_unreadable == 1
    scipy.io.savemat(tmp_path / "a.mat", {"pts": np.zeros((68, 2)), "Qwer": 1.0})
    assert tally_mat([tmp_path / "a.mat"]).headers == {
        "MATLAB 5: pts (68, 2) double; Aa (1, 1) double": 1
    }


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "nowhere").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "a" / "pipe")
    survey = walk_folder(tmp_path)
    assert (survey.num_loops, survey.num_links) == (1, 2)
    assert (survey.num_broken_links, survey.num_special, survey.num_files) == (1, 1, 0)


def test_a_pipe_in_place_of_a_list_is_not_opened(tmp_path: Path, make_set: Make) -> None:
    path = make_set("rafdb", tmp_path) / "EmoLabel" / "list_patition_label.txt"
    path.unlink()
    os.mkfifo(path)
    report = examine("rafdb", tmp_path)
    assert "1 pipes, devices or sockets" in report.oddities
    assert "regular file" in (report.readings[0].error or "")


@pytest.mark.parametrize("sign", ["x", ".", ";x", " x"])
def test_a_line_of_digits_is_described_at_once(sign: str, tmp_path: Path) -> None:
    number = "1" * 200_000  # tried at every place, it would take minutes
    assert dialect(tmp_path, f"{number}{sign}\n".encode()).num_lines == 1
    path = tmp_path / "a.wrl"
    path.write_text(f"#VRML V2.0 utf8\n{number}{sign} [")
    assert number[:9] not in "".join(describe_scan(path).header)


def test_limits_are_said(tmp_path: Path) -> None:
    deep = tmp_path / "1" / "2" / "3"
    deep.mkdir(parents=True)
    for number in range(20):
        (deep / f"{number:02d}.jpg").touch()
    assert walk_folder(tmp_path, max_depth=2).is_cut_by_depth
    assert walk_folder(tmp_path, max_entries=5).is_cut_by_entries
    report = examine("rafdb", tmp_path, max_entries=5, with_readers=False)
    assert "the limit of entries was met" in to_markdown(report)


def test_samples_do_not_depend_on_the_order_of_listing(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number:03d}.jpg").touch()
    (group,) = walk_folder(tmp_path, max_samples=5).groups.values()
    assert len(group.sizes) == 200
    assert len(group.samples) == 5
    again = next(iter(walk_folder(tmp_path, max_samples=5).groups.values()))
    assert group.samples == again.samples


def test_many_patterns_are_counted_together(tmp_path: Path) -> None:
    for number in range(2100):
        (tmp_path / ("aA" * (number % 30) + "_-" * (number // 30) + ".q")).touch()
    survey = walk_folder(tmp_path)
    assert sum(len(group.sizes) for group in survey.groups.values()) == 2100
    assert len(survey.groups) <= 2001


def test_an_archive_left_packed_is_named(tmp_path: Path) -> None:
    (tmp_path / "aligned.zip").write_bytes(b"PK\x03\x04" + bytes(20))
    report = examine("rafdb", tmp_path)
    assert group_of(report, "aligned.zip").content == "zip archive"
    assert report.readings[0].error is not None


def test_a_standin_is_told(tmp_path: Path) -> None:
    (tmp_path / "SYNTHETIC.json").write_text("{}")
    assert "stand-in (synthetic)" in to_markdown(examine("rafdb", tmp_path))


def test_sets_of_the_data_home_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match=r"no data set in .*--root DIR"):
        locate_sets()
    for place in ("raw/rafdb", "standin/rafdb", "standin/bu3dfe"):
        (tmp_path / place).mkdir(parents=True)
    found = [("bu3dfe", tmp_path / "standin/bu3dfe"), ("rafdb", tmp_path / "raw/rafdb")]
    assert locate_sets() == found
    assert locate_sets("rafdb") == found[1:]
    with pytest.raises(DatasetError, match="no multipie data set"):
        locate_sets("multipie")
    with pytest.raises(ConfigError, match="expected one of bu3dfe, multipie"):
        locate_sets("fer2013")
    with pytest.raises(ConfigError, match="--root needs the name of a set"):
        locate_sets(root=tmp_path)
    with pytest.raises(DatasetError, match="is not a folder"):
        locate_sets("rafdb", tmp_path / "absent")


def test_every_set_has_known_kinds() -> None:
    assert SETS == ("bu3dfe", "multipie", "rafdb", "affectnet")
    for kinds in LAYOUTS.values():
        assert len({kind.title for kind in kinds}) == len(kinds)
