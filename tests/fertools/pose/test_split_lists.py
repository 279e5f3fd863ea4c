"""Public lists as samples; all names are made up."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from fertools.errors import ConfigError, DatasetError
from fertools.expressions import AFFECTNET_CODES, RAFDB_CODES
from fertools.pose.list_import import find_listed

HASHES = [f"{n:056x}" for n in range(1, 9)]
OLD = pd.DataFrame(
    {
        "sample_id": [f"{n % 3}/{name}" for n, name in enumerate(HASHES)],
        "expression": list(AFFECTNET_CODES.values()),
    },
    dtype="string",
)
"""The release of 2017: a picture of each native code."""

NEW = pd.DataFrame(
    {
        "sample_id": ["val/10", "val/2", "val/33", "val/4", "val/5", "val/61", "val/7"],
        "expression": list(AFFECTNET_CODES.values())[:7],
    },
    dtype="string",
)
"""The newer release: not in the order of the numbers, and without the first picture of 2017."""

RAFDB = pd.DataFrame(
    {
        "sample_id": [f"test_{code:04d}" for code in RAFDB_CODES],
        "expression": list(RAFDB_CODES.values()),
    },
    dtype="string",
)


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def write_order(path: Path) -> Path:
    """The whole validation part: a picture that the newer release lacks, then its own by number."""
    numbers = NEW["sample_id"].str.removeprefix("val/").astype(int)
    codes = {name: code for code, name in AFFECTNET_CODES.items()}
    names = NEW["expression"].iloc[numbers.argsort()]
    lines = [f"7/{'f' * 56} 1"]
    lines += [f"{codes[name]}/{HASHES[n]} 1" for n, name in enumerate(names)]
    return write(path, *lines)


def test_hashes_are_found_in_whatever_folder_they_are(tmp_path: Path) -> None:
    path = write(tmp_path / "l", f"2/{HASHES[2]}.jpg", f"0/{HASHES[0]}/8.jpg")
    found = find_listed(path, OLD, "affectnet")
    assert found.sample_ids == (f"2/{HASHES[2]}", f"0/{HASHES[0]}")
    assert found.notes == (
        "this list is NOT one of the public lists by pose, as its lines in each class tell: it has "
        "2 in all, >30 has 1,949, >45 has 985",
    )


def test_a_picture_named_again_is_dropped_and_told(tmp_path: Path) -> None:
    line = f"2/{HASHES[2]}.jpg"
    path = write(tmp_path / "l", line, f"0/{HASHES[0]}.jpg", line)
    found = find_listed(path, OLD, "affectnet")
    assert len(found.sample_ids) == 2
    assert found.notes[1:] == (f"1 lines name a picture again, dropped: {HASHES[2][:12]} (line 3)",)
    kept = find_listed(path, OLD, "affectnet", duplicates="keep")
    assert kept.sample_ids.count(f"2/{HASHES[2]}") == 2
    assert "kept in the list" in kept.notes[1]


def test_missing_pictures_are_an_error_or_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "l", f"2/{HASHES[2]}.jpg", f"1/{'e' * 56}.jpg", f"1/{'d' * 56}.jpg")
    with pytest.raises(DatasetError, match=r"2 of its 3 pictures, 'eee.*--on-error skip"):
        find_listed(path, OLD, "affectnet")
    found = find_listed(path, OLD, "affectnet", on_error="skip")
    assert found.missing == ("e" * 56, "d" * 56)
    assert len(found.sample_ids) == 1


def test_a_list_of_nothing_that_is_there_is_an_error_always(tmp_path: Path) -> None:
    path = write(tmp_path / "l", f"1/{'e' * 56}.jpg")
    with pytest.raises(DatasetError, match="1 of its 1 pictures"):
        find_listed(path, OLD, "affectnet", on_error="skip")


def test_pictures_for_training_are_not_in_the_evaluated_part(tmp_path: Path) -> None:
    path = write(tmp_path / "l", "0/test_0001_aligned.jpg", "0/train_00001_aligned.jpg")
    with pytest.raises(DatasetError, match="1 of its 2 pictures, 'train_00001' the first"):
        find_listed(path, RAFDB, "rafdb")


def test_a_class_that_the_set_does_not_give_is_a_refusal(tmp_path: Path) -> None:
    path = write(tmp_path / "l", "0/test_0001_aligned.jpg", "0/test_0002_aligned.jpg")
    with pytest.raises(
        DatasetError, match=r"line 2 gives 'test_0002' the class 0 \(surprise\), the set says fear"
    ):
        find_listed(path, RAFDB, "rafdb")


def test_a_list_with_rafdb_s_own_labels_is_told_what_is_wrong(tmp_path: Path) -> None:
    lines = [f"{code}/test_{code:04d}_aligned.jpg" for code in RAFDB_CODES if code < 7]
    with pytest.raises(DatasetError, match=r"6 of 6 lines disagree, all of them .* minus 1, 0 to"):
        find_listed(write(tmp_path / "l", *lines), RAFDB, "rafdb")


def test_occlusion_lists_are_compared_too(tmp_path: Path) -> None:
    lines = [f"test_{code:04d}_aligned {code - 1} 2" for code in RAFDB_CODES]
    assert len(find_listed(write(tmp_path / "l", *lines), RAFDB, "rafdb").sample_ids) == 7
    lines[3] = "test_0004_aligned 0 2"
    with pytest.raises(DatasetError, match=r"line 4 gives 'test_0004' .* 1 of 7 lines disagree"):
        find_listed(write(tmp_path / "l", *lines), RAFDB, "rafdb")


def test_seven_classes_leave_out_contempt_and_say_so(tmp_path: Path) -> None:
    path = write(tmp_path / "l", f"7/{HASHES[7]}.jpg", f"0/{HASHES[0]}.jpg")
    assert len(find_listed(path, OLD, "affectnet").sample_ids) == 2
    seven = find_listed(path, OLD, "affectnet", num_classes=7)
    assert seven.sample_ids == (f"0/{HASHES[0]}",)
    assert seven.notes[1:] == ("1 lines of contempt left out: seven classes",)


def test_a_label_file_must_say_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "l", "0/test_0001_aligned.jpg", "1/test_0002_aligned.jpg")
    labels = write(tmp_path / "labels", "2 7", "0", "1")
    assert len(find_listed(path, RAFDB, "rafdb", labels=labels).sample_ids) == 2
    with pytest.raises(DatasetError, match=r"says 2 where line 2 of .* says 1"):
        find_listed(path, RAFDB, "rafdb", labels=write(labels, "2 7", "0", "2"))
    with pytest.raises(DatasetError, match=r"has 1 labels, .* has 2 lines"):
        find_listed(path, RAFDB, "rafdb", labels=write(labels, "1 7", "0"))


def test_a_list_of_the_other_set_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "l", "0/test_0001_aligned.jpg")
    with pytest.raises(DatasetError, match=r"is a list of rafdb .*, not of affectnet"):
        find_listed(path, OLD, "affectnet")


def test_hashes_get_the_numbers_of_the_newer_release_by_order(tmp_path: Path) -> None:
    order = write_order(tmp_path / "order")
    by_hash = dict(line.split()[0].split("/")[::-1] for line in order.read_text().splitlines())
    lines = [f"{by_hash[name]}/{name}.jpg" for name in HASHES[:3]]
    path = write(tmp_path / "l", *lines)
    found = find_listed(path, NEW, "affectnet", hash_order=order)
    assert found.sample_ids == ("val/2", "val/4", "val/5")


def test_hashes_without_an_order_say_what_is_needed(tmp_path: Path) -> None:
    path = write(tmp_path / "l", f"0/{HASHES[0]}.jpg")
    with pytest.raises(ConfigError, match=r"val_affectnet8part_list.txt, with --hash-order"):
        find_listed(path, NEW, "affectnet")


def test_the_row_that_was_taken_for_a_head_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "l", f"7/{'f' * 56}.jpg")
    with pytest.raises(DatasetError, match="1 of its 1 pictures"):
        find_listed(path, NEW, "affectnet", hash_order=write_order(tmp_path / "order"))


def test_an_order_that_does_not_agree_wholly_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "l", f"1/{HASHES[0]}.jpg")
    order = write_order(tmp_path / "order")
    lines = order.read_text().splitlines()
    swapped = write(tmp_path / "swapped", *lines[:-2], lines[-1], lines[-2])
    with pytest.raises(DatasetError, match=r"line 7 is .*, the set's picture .*no hash is given"):
        find_listed(path, NEW, "affectnet", hash_order=swapped)
    short = write(tmp_path / "short", *lines[:-1])
    with pytest.raises(DatasetError, match=r"has 6 lines after its first, the set has 7 pictures"):
        find_listed(path, NEW, "affectnet", hash_order=short)
    other = write(tmp_path / "other", "0/test_0001_aligned.jpg")
    with pytest.raises(DatasetError, match="expected hashes of AffectNet"):
        find_listed(path, NEW, "affectnet", hash_order=other)


def test_an_order_where_none_is_needed_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "l", f"0/{HASHES[0]}.jpg")
    order = write_order(tmp_path / "order")
    with pytest.raises(ConfigError, match="--hash-order is for a list of hashes and AffectNet's"):
        find_listed(path, OLD, "affectnet", hash_order=order)


def test_numbers_are_of_the_newer_release_only(tmp_path: Path) -> None:
    path = write(tmp_path / "l", "0/10.jpg")
    assert find_listed(path, NEW, "affectnet").sample_ids == ("val/10",)
    with pytest.raises(DatasetError, match="the set at hand is that of 2017"):
        find_listed(path, OLD, "affectnet")


def test_a_name_that_two_pictures_have_is_refused_where_it_is_listed(tmp_path: Path) -> None:
    twins = pd.concat([OLD, OLD.iloc[:1].assign(sample_id=f"9/{HASHES[0]}")], ignore_index=True)
    path = write(tmp_path / "l", f"1/{HASHES[1]}.jpg")
    assert len(find_listed(path, twins, "affectnet").sample_ids) == 1
    path = write(tmp_path / "l", f"0/{HASHES[0]}.jpg")
    with pytest.raises(DatasetError, match="as two pictures of the set are called"):
        find_listed(path, twins, "affectnet")
