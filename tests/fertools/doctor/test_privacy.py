"""Nothing that a folder says comes into its report, in whatever place it stands."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fertools.doctor
from fertools.doctor import SETS, examine, to_markdown
from fertools.doctor.masking import mask_cell, mask_name
from fertools.doctor.scan_files import describe_scan
from fertools.doctor.text_files import describe_text
from fertools.doctor.wording import _own_text, mask_message
from fertools.expressions import EXPRESSIONS

Make = Callable[..., Path]

SECRETS = {
    "name": "Erika Zyxwandt",
    "free": "zyxmail@qwerhost.example, /home/zyxuser/Qwerfaces, caption Zyxhappy, 4711987",
    "word": "Qwersmile",
}
TRACES = ("erika", "zyx", "qwer", "wandt", "smile", "4711987", "home", "caption", "example")


def texts_of(dataset: str, root: Path) -> list[str]:
    report = examine(dataset, root)
    return [to_markdown(report), json.dumps(report.as_json(), ensure_ascii=False)]


@pytest.mark.parametrize("dataset", SETS)
def test_planted_secrets_do_not_come_out(dataset: str, tmp_path: Path, make_set: Make) -> None:
    root = make_set(dataset, tmp_path / "zyxuser" / "raw", **SECRETS)
    for report in texts_of(dataset, root):
        found = [trace for trace in TRACES if trace in report.lower()]
        assert not found
        assert str(tmp_path) not in report
        assert tmp_path.name not in report


@pytest.mark.parametrize("dataset", SETS)
@pytest.mark.parametrize("other", SETS)
def test_nor_where_the_folder_is_of_another_set(
    dataset: str, other: str, tmp_path: Path, make_set: Make
) -> None:
    root = make_set(other, tmp_path / "zyxuser", **SECRETS)
    for report in texts_of(dataset, root):
        assert not [trace for trace in TRACES if trace in report.lower()]


def test_labels_are_a_number_of_values_only(tmp_path: Path, make_set: Make) -> None:
    root = make_set("rafdb", tmp_path)
    lines = [f"train_{n:05d}.jpg {'happiness' if n % 3 else 'surprise'}" for n in range(1, 31)]
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines))
    for report in texts_of("rafdb", root):
        assert "happiness" not in report
        assert "surprise" not in report
    (group,) = (g for g in examine("rafdb", root).groups if g.folder.endswith("EmoLabel"))
    assert group.text is not None
    assert [c.num_distinct for c in group.text.first.columns] == [30, 2]


@pytest.mark.parametrize("parts", [("train", "1", "2"), ("Test", "Happy", "1_sad"), ("a", "sad")])
def test_folders_of_classes_do_not_tell_their_sizes(parts: tuple[str, ...], tmp_path: Path) -> None:
    split, *names = parts
    for count, name in zip((37, 41), names, strict=False):
        (tmp_path / split / name).mkdir(parents=True)
        for number in range(count):
            (tmp_path / split / name / f"{number:05d}.txt").touch()
    report = examine("rafdb", tmp_path, with_readers=False)
    (level,) = (level for level in report.levels if level.pattern.count("/") == 2)
    assert (level.num_folders, level.has_files, level.files_each) == (len(names), True, None)
    assert f"| `{level.pattern}` | {len(names)} | some | 0 |" in to_markdown(report)


@pytest.mark.parametrize("code", [8, 9, 10])
def test_how_often_a_code_occurs_is_not_told(code: int, tmp_path: Path, make_set: Make) -> None:
    root = make_set("affectnet", tmp_path)
    shutil.rmtree(root / "train_set")
    path = root / "Manually_Annotated_file_lists" / "training.csv"
    row = ",".join([f"1/{'0' * 56}.jpg", "1,2,3,4", ";".join(["1.5"] * 136), f"{code},0.5,0.5"])
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    path.write_text(f"{head}expression,valence,arousal\n" + f"{row}\n" * 37)
    (reading,) = examine("affectnet", root).readings
    assert [count for _, count in reading.notes] == [None]
    for report in texts_of("affectnet", root):
        assert not re.search(r"\bnone\b.*code|uncertain|non-face|37 times", report)


def test_no_number_of_a_header_that_a_reader_cuts_comes_out(tmp_path: Path, make_set: Make) -> None:
    root = make_set("affectnet", tmp_path)
    shutil.rmtree(root / "Manually_Annotated_file_lists")
    text = "Anna Smith from 4915112345678, line 19750412, 271828 words, anna@x.org sadness "
    head = (text + "a" * 200).encode()
    for name in ("0_exp.npy", "0_lnd.npy"):
        content = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
        (root / "train_set" / "annotations" / name).write_bytes(content)
    (reading,) = examine("affectnet", root).readings
    assert reading.first_fault is not None
    for report in texts_of("affectnet", root):
        for number in ("4915112345678", "19750412", "271828"):
            runs = {number[i : i + 4] for i in range(len(number) - 3)}
            assert not [run for run in runs if run in report]


@settings(max_examples=200, deadline=None)
@given(before=st.text(max_size=60), number=st.integers(min_value=10**3), after=st.text(max_size=60))
def test_no_number_of_a_message_comes_out(before: str, number: int, after: str) -> None:
    said = mask_message(f"{before}{number}{after}")
    assert not re.search(r"\d{2}", re.sub(r"#\{\d+\}|<hex \d+>", "", said))


@pytest.mark.parametrize("label", ["7", "9", "happiness", "Fear", "contempt"])
def test_a_label_in_a_message_is_masked(label: str) -> None:
    said = [f"label {label!r}; expected 1 to 7", f"expression {label}; expected 0 to 7"]
    for message in map(mask_message, said):
        assert not re.search(rf"\b{label}\b", message.split("; expected")[0])


@pytest.mark.parametrize(
    "label",
    [
        *EXPRESSIONS,
        "male",
        "female",
        "unsure",
        "caucasian",
        "african-american",
        "asian",
        "uncertain",
        "none",
        "non-face",
    ],
)
def test_no_label_is_among_the_words_of_our_messages(label: str) -> None:
    assert label not in mask_message(
        f"x {label} is also in {label}/{label}.jpg, {label!r}; keep one"
    )


@cache
def allowed_words() -> frozenset[str]:
    """Every word of ours: literals and names in the package, and the readers' messages."""
    words = {part for word in _own_text()[0] for part in words_of(word)}
    for path in Path(fertools.doctor.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.update(words_of(node.value))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                words.update(words_of(node.target.id))
    for quote in _own_text()[1]:
        words.update(words_of(quote))
    return frozenset(words)


def words_of(text: str) -> list[str]:
    """Runs of letters, of three and more."""
    return [word for word in re.findall(r"[^\W\d_]+", text) if len(word) > 2]


def strange_words(text: str) -> list[str]:
    """Words of a report that are not ours; shapes have a, x and N only."""
    shapes = re.compile(r"[AaxN]+")
    known = {word.lower() for word in allowed_words()}
    return [w for w in words_of(text) if not shapes.fullmatch(w) and w.lower() not in known]


LETTERS = st.characters(categories=("L", "M", "N", "P", "S", "Zs"))
FREE = st.text(LETTERS, min_size=1, max_size=40)
NAMES = st.text(LETTERS, min_size=1, max_size=30).filter(
    lambda name: "/" not in name and name.strip(". ") != "" and len(name.encode()) < 90
)
WORDS = st.text(st.characters(categories=("L",)), min_size=3, max_size=20)


@pytest.mark.parametrize("dataset", SETS)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=NAMES, free=FREE, word=WORDS)
def test_every_word_of_a_report_is_ours(
    dataset: str, make_set: Make, name: str, free: str, word: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = make_set(dataset, Path(folder), name=name, free=free, word=word)
        report = examine(dataset, root)
    values = dataclasses.asdict(report) | {"platform": "", "python_version": ""}
    for text in (to_markdown(report), json.dumps(values, ensure_ascii=False)):
        assert strange_words(text.replace(report.platform, "")) == []


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=200))
def test_masks_let_no_strange_word_through(text: str) -> None:
    for masked in (mask_name(text), mask_cell(text), mask_message(text)):
        assert strange_words(masked) == []
        assert not re.search(r"[`|\n\r\x00]", masked)


@settings(max_examples=150, deadline=None)
@given(number=st.integers(min_value=10, max_value=10**40))
def test_a_number_in_a_name_is_its_length(number: int) -> None:
    assert mask_name(f"no{number}.jpg") == f"a#{{{len(str(number))}}}.jpg"


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_file_is_described_in_our_words(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.txt"
        path.write_bytes(text.encode("utf-8", "replace"))
        said = json.dumps(
            [dataclasses.asdict(describe_text(path)), dataclasses.asdict(describe_scan(path))],
            ensure_ascii=False,
        )
    assert strange_words(re.sub(r"\\+[ntr]", " ", said)) == []
