"""The public lists' formats, with made-up names: no line of a real list stands here."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from fertools.errors import DatasetError
from fertools.expressions import AFFECTNET_CODES, RAFDB_CODES
from fertools.formats.ran_lists import (
    PUBLISHED_LISTS,
    PublishedList,
    RanEntry,
    find_published,
    format_labels,
    format_list,
    read_labels,
    read_ran_list,
)

A, B = "a" * 56, "0123456789abcdef" * 3 + "01234567"


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "dataset", "keys", "entries"),
    [
        (
            "0/test_0004_aligned.jpg\n6/test_3001_aligned.jpg\n",
            "rafdb",
            "stem",
            [("test_0004", 0), ("test_3001", 6)],
        ),
        ("0/test_0004.png", "rafdb", "stem", [("test_0004", 0)]),
        (
            "test_0003_aligned 3 4\r\ntest_0003_aligned 3 1\r\n",
            "rafdb",
            "stem",
            [("test_0003", 3), ("test_0003", 3)],
        ),
        (f"0/{A}.jpg\n7/{B}.jpg", "affectnet", "hash", [(A, 0), (B, 7)]),
        (f"7/{A}/8.jpg\n0/{B}/12.png\n", "affectnet", "hash", [(A, 7), (B, 0)]),
        (f"val/0/{A}/\nval/3/{B}/\n", "affectnet", "hash", [(A, 0), (B, 3)]),
        (f"7/{A} 1\n6/{B} 1\n", "affectnet", "hash", [(A, 7), (B, 6)]),
        (f"0\\{A}.jpg\n", "affectnet", "hash", [(A, 0)]),
        ("3/17.jpg\n0/4999.jpg\n", "affectnet", "number", [("17", 3), ("4999", 0)]),
    ],
)
def test_every_format_of_the_public_lists_is_read(
    tmp_path: Path, text: str, dataset: str, keys: str, entries: list[tuple[str, int]]
) -> None:
    path = write(tmp_path / "list.txt", text)
    ran = read_ran_list(path)
    assert (ran.dataset, ran.keys) == (dataset, keys)
    assert [(entry.key, entry.code) for entry in ran.entries] == entries
    assert ran.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_a_picture_named_again_is_told_with_its_line(tmp_path: Path) -> None:
    ran = read_ran_list(write(tmp_path / "l", f"0/{A}.jpg\n1/{B}.jpg\n\n0/{A}.jpg\n"))
    assert ran.repeated == (RanEntry(4, A, 0),)


def test_classes_are_rafdbs_label_minus_1_and_affectnets_code(tmp_path: Path) -> None:
    rafdb = read_ran_list(write(tmp_path / "r", "3/test_0004_aligned.jpg"))
    assert rafdb.coding[3] == "happiness" == RAFDB_CODES[4]
    affectnet = read_ran_list(write(tmp_path / "a", f"7/{A}.jpg"))
    assert affectnet.coding[7] == "contempt" == AFFECTNET_CODES[7]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty; expected a picture a line"),
        ("\n \n", "is empty"),
        ("hello\n", r"line 1 is 'hello'; expected a picture a line"),
        ("1247 7\n0\n", "is a label file, it names no pictures; .*--labels"),
        ("0/fer0032226.jpg\n", "names pictures of FERPlus"),
        ("1_fer0034656.png 8 0\n", "names pictures of FERPlus"),
        ("0/fer0000001 6\n", "names pictures of FERPlus"),
        ("7/test_0004_aligned.jpg\n", "line 1 has the class 7; expected 0 to 6, RAF-DB's label"),
        (f"9/{A}.jpg\n", "line 1 has the class 9; expected 0 to 7"),
        (f"0/test_0001_aligned.jpg\n0/{A}.jpg\n", r"line 2 .* is of another kind than the first"),
        ("0/test_0001_aligned.jpg\n../0/test_0002_aligned.jpg\n", r"line 2 names '\.\./0/"),
        ("0/test_0001_aligned.jpg\n/etc/passwd\n", "line 2 names '/etc/passwd'.*refused"),
        ("0/test_0001_aligned.jpg\n0/test\0.jpg\n", "line 2 holds a NUL"),
        ("0/" + "a" * 100_001, "line 1 has 100,000 bytes or more"),
        (b"0/\xff\xfe.jpg\n", "line 1 is not UTF-8"),
        ("0/test_٠٠٠١_aligned.jpg\n", "expected a picture a line"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, text: str | bytes, match: str) -> None:
    path = write(tmp_path / "bad.txt", text)
    with pytest.raises(DatasetError, match=match):
        read_ran_list(path)


def test_pipes_folders_and_nothing_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "absent"):
        with pytest.raises(DatasetError, match="cannot be read"):
            read_ran_list(path)


def test_a_label_file_has_as_many_labels_as_its_head_says(tmp_path: Path) -> None:
    assert read_labels(write(tmp_path / "good", "3 7\n0\n6\n2")) == (0, 6, 2)
    assert read_labels(write(tmp_path / "crlf", "1 7\r\n4\r\n")) == (4,)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("3 7\n0\n6\n", "says 3 labels, there are 2"),
        ("1 7\n0\n6\n", "says 1 labels, there are more"),
        ("2 7\n0\n7\n", "line 3 is '7'; expected 0 to 6"),
        ("2 7\n0\n-1\n", "line 3 is '-1'"),
        ("0\n1\n", "is no label file"),
        ("", "is no label file"),
    ],
)
def test_other_label_files_are_refused(tmp_path: Path, text: str, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        read_labels(write(tmp_path / "labels", text))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    names = ["surprise", "neutral"]
    text = format_list("rafdb", ["test_0001", "test_0002"], names)
    assert text == "0/test_0001_aligned.jpg\n6/test_0002_aligned.jpg\n"
    read = read_ran_list(write(tmp_path / "list", text))
    assert [(e.key, e.code) for e in read.entries] == [("test_0001", 0), ("test_0002", 6)]
    labels = format_labels("rafdb", names, num_classes=7)
    assert labels == "2 7\n0\n6\n"
    assert read_labels(write(tmp_path / "labels", labels)) == (0, 6)


def test_affectnets_names_are_hashes_or_numbers() -> None:
    assert format_list("affectnet", [f"459/{A}"], ["contempt"]) == f"7/{A}.jpg\n"
    assert format_list("affectnet", ["val/17"], ["neutral"]) == "0/17.jpg\n"


@pytest.mark.parametrize("public", PUBLISHED_LISTS, ids=lambda p: f"{p.dataset}-{p.threshold}")
def test_a_public_list_is_known_by_its_counts(public: PublishedList) -> None:
    codes = [code for code, number in enumerate(public.by_class) for _ in range(number)]
    entries = [RanEntry(n, str(n), code) for n, code in enumerate(codes, 1)]
    assert len(entries) == public.lines
    assert find_published(entries, public.dataset) == public
    assert find_published(entries[1:], public.dataset) is None
    assert find_published([*entries[1:], RanEntry(1, "1", 6)], public.dataset) is None
