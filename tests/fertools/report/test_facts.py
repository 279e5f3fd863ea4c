from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fertools.metrics import Predictions, PredictionsInfo
from fertools.protocols import Exclusion, Fold, Lock, Source, load_protocol
from fertools.report.collect import Run
from fertools.report.facts import commands_of, facts_of, recorded_of
from fertools.report.marks import Marks, marks_of, notices
from fertools.report.reading import Reading

CLASSES = ("anger", "fear")


def _lock(**changes: Any) -> Lock:
    protocol = load_protocol("rafdb")
    lock = Lock(
        protocol="rafdb",
        protocol_version=1,
        protocol_digest=protocol.digest,
        synthetic=False,
        classes=CLASSES,
        not_found="error",
        primary_metric="uar",
        sources=(Source("samples", "rafdb", False, {}, "b" * 64, "c" * 64),),
        labels={"a": 0, "b": 1},
        subjects={"a": None, "b": None},
        folds=(Fold("official", ("a",), ("b",)),),
        digest="d" * 64,
    )
    return replace(lock, **changes)


def _reading(
    *, protocol: str = "rafdb", lock: Lock | None = None, fusion: str = "", **found: Any
) -> Reading:
    info = PredictionsInfo(protocol, CLASSES, "", False, "resnet18", fusion)
    table = Predictions(None, info, Path("run/fold0/p.parquet"))  # type: ignore[arg-type]
    found = {
        "config": {"seed": 3, "recipe": {"name": "demo"}, "manifest": "data/m.parquet"},
        **found,
    }
    run = Run(Path("run"), "run", (table,), lock, **found)
    summary = {
        "protocol": protocol,
        "model": "resnet18",
        "fusion": fusion,
        "lock_digest": "",
        "per_fold": [{"fold": 0}, {"fold": 1}],
        "num_folds": 2,
        "not_found": "error",
        "accuracy": 0.5,
    }
    return Reading(run, summary, marks_of(run), "accuracy", False)


def test_the_commands_train_on_the_folds_of_the_run_itself() -> None:
    train, evaluate, report = commands_of(_reading(lock=_lock()))
    assert train == (
        "zoo train resnet18 --protocol rafdb --data data/m.parquet --lock run/protocol.lock.json "
        "--recipe demo --seed 3 --run again"
    )
    assert evaluate == "zoo evaluate resnet18 --protocol rafdb --data data/m.parquet --run again"
    assert report == "fertools report run"


def test_the_commands_of_a_run_without_its_leaks_leave_them_out_again() -> None:
    lock = _lock(excluded=(Exclusion(0, "c", "file", ""),))
    assert "--lock run/protocol.lock.json --exclude-leaks" in commands_of(_reading(lock=lock))[0]


def test_the_commands_name_own_protocols_roles_fusion_and_what_was_allowed() -> None:
    roles = {"train": "rafdb", "test": "rafdb", "val": "affectnet"}
    sources = tuple(Source(role, name, False, {}, "", "") for role, name in roles.items())
    reading = _reading(
        protocol="mine",
        lock=_lock(protocol="mine", sources=sources),
        fusion="logits, alpha 0.5",
        results={"mismatch": ["labels differ"]},
    )
    train, evaluate, _ = commands_of(reading)
    data = "--data train=data/m.parquet --data test=data/m.parquet"
    names = f"--protocol run/mine.yaml {data}"
    assert f"{names} --lock run/protocol.lock.json --allow-mismatch" in train
    assert f"{names} --fusion logits --allow-mismatch --run again" in evaluate


def test_a_table_that_was_not_trained_here_is_not_said_to_be_trained_again() -> None:
    assert commands_of(_reading(config={})) == ["fertools report run"]


@pytest.mark.parametrize(
    ("found", "facts"),
    [
        ({"lock": _lock()}, {"Left out of training": "nothing"}),
        (
            {
                "lock": _lock(
                    excluded=(Exclusion(0, "c", "file", ""), Exclusion(1, "c", "file", ""))
                )
            },
            {"Left out of training": "1 sample that leaks (--exclude-leaks)"},
        ),
        (
            {"results": {"leaks": {"num_excluded": 7}}},
            {"Left out of training": "7 samples that leak (--exclude-leaks)"},
        ),
        ({"results": {"pictures_differ": False}}, {"Bytes of the pictures": "as at training"}),
        (
            {"results": {"pictures_differ": True}},
            {
                "Bytes of the pictures": "other bytes than those trained on, from the same source "
                "files"
            },
        ),
    ],
)
def test_facts_say_what_was_left_out_and_whether_pictures_differ(
    found: dict[str, Any], facts: dict[str, str]
) -> None:
    known = dict(facts_of(_reading(**found)))
    assert facts.items() <= known.items()


def test_facts_that_nobody_recorded_are_said_to_be_so() -> None:
    known = dict(facts_of(_reading()))
    assert "Left out of training, Data set, Bytes of the pictures" in known["Not recorded"]


def test_a_mismatch_of_settings_and_of_results_is_a_mark() -> None:
    reading = _reading(
        config={"mismatch": ["labels differ"]}, results={"mismatch": ["labels differ", "views"]}
    )
    assert reading.marks == Marks(mismatch=("labels differ", "views"))
    assert marks_of(_reading(results={"mismatch": 3}).run) == Marks()


@pytest.mark.parametrize("counts", [None, [], {"file": "many"}, {"file": True}, {"file": 0}])
def test_damaged_counts_of_leaks_are_no_notice(counts: object) -> None:
    reading = _reading(lock=_lock(), results={"leaks": {"counts": counts}, "accuracy": 10**400})
    assert notices(reading.run, reading.summary, reading.marks) == []


def test_a_protocol_is_looked_up_by_name_and_never_opened_as_a_path(tmp_path: Path) -> None:
    path = tmp_path / "rafdb.yaml"
    path.write_text("name: [")
    assert _reading(protocol="rafdb").run.primary_metric == "accuracy"
    assert _reading(protocol=str(path), lock=_lock()).run.primary_metric == "uar"  # the lock says
    assert _reading(protocol=str(path)).run.primary_metric is None
    assert _reading(protocol=str(path.with_suffix(""))).run.primary_metric is None


def test_settings_that_are_nested_without_end_are_cut() -> None:
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"a": deep}
    [(_, [(name, value)])] = recorded_of(_reading(config=deep).run).items()
    assert name.count("a") < 30
    assert value == "…"
