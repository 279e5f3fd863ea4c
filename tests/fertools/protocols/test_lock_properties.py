from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fertools.errors import LockError, ProtocolError
from fertools.manifest import COLUMNS, Manifest, ManifestInfo
from fertools.protocols import (
    Lock,
    Pool,
    Protocol,
    check_lock,
    load_protocol,
    lock_protocol,
    read_lock,
    write_lock,
)
from fertools.protocols.lock import sealed
from fertools.protocols.pool import make_pool

CLASSES = ["anger", "happiness", "neutral"]
DECLARED: dict[str, Any] = {
    "name": "mine",
    "version": 1,
    "title": "A protocol",
    "reference": "none",
    "task": "expression",
    "classes": CLASSES,
    "split": {
        "method": "subject-k-fold",
        "samples": {"dataset": "bu3dfe", "derived": "x"},
        "folds": 3,
        "seed": 0,
    },
    "metrics": ["accuracy", "uar"],
    "primary_metric": "accuracy",
}


def samples(subjects: int = 7) -> pd.DataFrame:
    table = pd.DataFrame(
        [
            {
                "sample_id": f"S{s}_{e}_{v}",
                "image": f"{s}_{e}_{v}.png",
                "dataset": "bu3dfe",
                "subject_id": f"S{s}",
                "expression": e,
                "intensity": 2,
                "view_id": v,
                "width": 8,
                "height": 8,
                "source_sha256": f"{s:064x}",
            }
            for s in range(subjects)
            for e in (*CLASSES, "fear")
            for v in ("yaw00", "yaw45")
        ]
    )
    table["sha256"] = [f"{i:064x}" for i in range(len(table))]
    return table


def declared(folder: Path, text: str | None = None, **change: Any) -> Protocol:
    folder.mkdir(exist_ok=True)
    path = folder / "mine.yaml"
    path.write_text(text or json.dumps({**DECLARED, **change}))
    return load_protocol(str(path))


def pool_of(protocol: Protocol, table: pd.DataFrame, **config: Any) -> Pool:
    """Samples as they are read from a manifest, without writing one."""
    kinds = {name: kind for name, kind in COLUMNS.items() if name in table}
    info = ManifestInfo(
        dataset="bu3dfe",
        synthetic=config.pop("synthetic", True),
        config={"image_size": 8, **config},
        tool_version="0",
        schema_version=1,
        digest="0" * 64,
    )
    manifest = Manifest(table.astype(kinds), info, Path("manifest.parquet"))
    return make_pool(protocol, {"samples": manifest})


def lock_of(folder: Path, table: pd.DataFrame, **config: Any) -> Lock:
    protocol = declared(folder)
    return lock_protocol(protocol, pool_of(protocol, table, **config))


def put(column: str, value: Any) -> Callable[[pd.DataFrame, int], pd.DataFrame]:
    """Change one cell."""

    def change(table: pd.DataFrame, row: int) -> pd.DataFrame:
        return table.assign(
            **{column: [value if i == row else old for i, old in enumerate(table[column])]}
        )

    return change


def drop(table: pd.DataFrame, row: int) -> pd.DataFrame:
    return table.drop(index=row)


MEMBERS = [row for row in range(56) if row % 8 < 6]  # those that show one of the classes
MATTERS = [
    put("expression", "sadness"),
    put("subject_id", "S99"),
    put("sample_id", "other"),
    put("source_sha256", "f" * 64),
    put("view_id", "yaw60"),
    put("intensity", 3),
    drop,
]
DOES_NOT_MATTER = [
    put("image", "elsewhere.png"),
    put("width", 9),
    put("sha256", "e" * 64),
    put("yaw_deg", 1.5),
]
often = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)


@often
@given(row=st.sampled_from(MEMBERS), change=st.sampled_from(MATTERS))
def test_a_lock_changes_with_whatever_matters(
    tmp_path: Path, row: int, change: Callable[[pd.DataFrame, int], pd.DataFrame]
) -> None:
    table = samples()
    locked, other = lock_of(tmp_path, table), change(table, row)
    assert lock_of(tmp_path, other).digest != locked.digest
    with pytest.raises(LockError, match=r"missing|lock the protocol again"):
        check_lock(locked, pool_of(declared(tmp_path), other))


@often
@given(
    row=st.sampled_from(MEMBERS),
    changes=st.lists(st.sampled_from(DOES_NOT_MATTER), max_size=4),
    order=st.permutations(range(56)),
    row_of_no_class=st.sampled_from([row for row in range(56) if row not in MEMBERS]),
)
def test_a_lock_stays_the_same_whatever_does_not_matter(
    tmp_path: Path,
    row: int,
    changes: list[Callable[[pd.DataFrame, int], pd.DataFrame]],
    order: list[int],
    row_of_no_class: int,
) -> None:
    table = samples()
    locked = lock_of(tmp_path, table)
    table["yaw_deg"] = 0.0
    for change in changes:
        table = change(table, row)
    table = table.drop(index=row_of_no_class).sample(frac=1, random_state=order[0])
    again = lock_of(tmp_path / "elsewhere", table)
    assert again == locked
    check_lock(locked, pool_of(declared(tmp_path), table))


@pytest.mark.parametrize("config", [{"image_size": 9}, {"light": "ambient"}, {"synthetic": False}])
def test_a_lock_changes_with_the_way_the_pictures_were_made(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    locked = lock_of(tmp_path, samples())
    assert lock_of(tmp_path, samples(), **config).digest != locked.digest
    with pytest.raises(LockError, match=r"made otherwise|a stand-in"):
        check_lock(locked, pool_of(declared(tmp_path), samples(), **config))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"classes": CLASSES[::-1]},
        {"split": {**DECLARED["split"], "seed": 1}},
        {"split": {**DECLARED["split"], "folds": 4}},
        {"not_found": "excluded"},
        {"primary_metric": "uar"},
    ],
)
def test_a_lock_changes_with_what_its_protocol_says(tmp_path: Path, change: dict[str, Any]) -> None:
    locked, protocol = lock_of(tmp_path, samples()), declared(tmp_path, **change)
    pool = pool_of(protocol, samples())
    assert lock_protocol(protocol, pool).digest != locked.digest


def test_words_about_a_protocol_do_not_change_its_lock(tmp_path: Path) -> None:
    locked = lock_of(tmp_path, samples())
    told = {**DECLARED, "title": "Another title", "reference": "a paper"}
    protocol = declared(tmp_path, "# a comment\n" + json.dumps(dict(reversed(told.items()))))
    assert lock_protocol(protocol, pool_of(protocol, samples())) == locked


def test_a_lock_changes_with_the_list_that_its_protocol_names(tmp_path: Path) -> None:
    split = {**DECLARED["split"], "samples": {**DECLARED["split"]["samples"], "ids": "ids.txt"}}
    names = samples().query("expression != 'fear'")["sample_id"].tolist()
    digests = []
    for chosen in (names, [f"{name}  # a comment" for name in names], names[1:]):
        (tmp_path / "ids.txt").write_text("\n".join(chosen))
        protocol = declared(tmp_path, split=split)
        digests.append(lock_protocol(protocol, pool_of(protocol, samples())).digest)
    assert digests[0] == digests[1] != digests[2]
    (tmp_path / "ids.txt").unlink()
    with pytest.raises(ProtocolError, match=r"ids\.txt"):
        declared(tmp_path, split=split)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            lambda lock: {"labels": {**lock.labels, "S0_anger_yaw00": 3}},
            "a label is none of 0 to 2",
        ),
        (lambda lock: {"labels": {**lock.labels, "S0_anger_yaw00": True}}, "a label is none of"),
        (lambda lock: {"subjects": {}}, "not of the same samples"),
        (lambda lock: {"folds": ()}, "no fold"),
        (lambda lock: {"folds": (*lock.folds, twice(lock))}, "stands there twice"),
        (lambda lock: {"folds": (*lock.folds, strange(lock))}, "has no label"),
    ],
)
def test_a_forged_lock_with_a_right_digest_is_refused(
    tmp_path: Path, change: Callable[[Lock], dict[str, Any]], match: str
) -> None:
    locked = lock_of(tmp_path, samples())
    values = {name: getattr(locked, name) for name in locked.__dataclass_fields__}
    write_lock(tmp_path / "a.lock.json", sealed(Lock(**{**values, **change(locked)})))
    with pytest.raises(LockError, match=match):
        read_lock(tmp_path / "a.lock.json")


def twice(lock: Lock) -> Any:
    """A fold that tests what it trains on."""
    fold = lock.folds[0]
    return type(fold)("fold 3", fold.train, (*fold.test, fold.train[0]))


def strange(lock: Lock) -> Any:
    """A fold of a sample that the lock does not know."""
    fold = lock.folds[0]
    return type(fold)("fold 3", fold.train, (*fold.test, "unknown"))
