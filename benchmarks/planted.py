"""Synth, index, verify: clean stand-ins have no fault, planted faults are found, none invented.

Each set is made twice in small, once as it is and once with all kinds of faults planted, in every
layout that is synthesised. A finding is explained if it is about a planted sample, or about the
subject that a planted leak invented; anything else is counted as invented.

    python benchmarks/planted.py
    python benchmarks/planted.py --quick     # smaller sets, one layout a set
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fertools.formats.registry import get_dataset
from fertools.home import describe_root
from fertools.index import IndexSummary, index_dataset
from fertools.synth.affectnet import synthesise_affectnet
from fertools.synth.multipie import synthesise_multipie
from fertools.synth.plant import KINDS, PLANTED
from fertools.synth.rafdb import synthesise_rafdb
from fertools.verify import Finding, severity_of, verify_manifest

WORKERS = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Case:
    """A stand-in: its set, its layout, how it is made and read."""

    dataset: str
    layout: str
    make: Callable[..., object]
    options: dict[str, object]


def cases(quick: bool) -> list[Case]:
    """What is tried."""
    size = {"train": 60, "test": 30} if quick else {"train": 300, "test": 100}
    rafdb = partial(synthesise_rafdb, **size)
    affectnet = partial(synthesise_affectnet, train=size["train"], val=size["test"])
    cameras = ("05_1", "04_1", "24_0") if quick else None
    chosen = {} if cameras is None else {"cameras": cameras}
    multipie = partial(synthesise_multipie, subjects=3 if quick else 5, **chosen)
    everything = {"select": "all"}
    found = [
        Case("rafdb", "authors", rafdb, {}),
        Case("affectnet", "2017", partial(affectnet, release="2017"), {}),
        Case("multipie", "data", multipie, everything),
    ]
    if not quick:
        found += [
            Case("rafdb", "kaggle", partial(rafdb, layout="kaggle"), {}),
            Case("affectnet", "new", partial(affectnet, release="new"), {}),
            Case("multipie", "repacked", partial(multipie, level="repacked"), everything),
        ]
    return found


def look(case: Case, root: Path, out: Path) -> tuple[IndexSummary, tuple[Finding, ...]]:
    """Index and verify a folder."""
    dataset = get_dataset(case.dataset)
    summary = index_dataset(
        dataset,
        describe_root(case.dataset, root),
        out,
        dataset.options(**case.options),
        workers=WORKERS,
        on_error="skip",
    )
    return summary, verify_manifest(summary.manifest, workers=WORKERS).findings


def is_about(finding: Finding, planted: dict[str, list[str]]) -> bool:
    """Whether a finding concerns a planted fault."""
    ids = set(planted["sample_ids"])
    if ids & set(finding.sample_ids):
        return True
    return finding.subject_id is not None and finding.subject_id in {i[:3] for i in ids}


def found_by(
    kind: str, planted: dict[str, list[str]], summary: IndexSummary, findings: Sequence[Finding]
) -> str | None:
    """What found a planted fault; None if nothing did."""
    wanted = {
        "duplicate": ("duplicate",),
        "swapped-label": ("duplicate-labels",),
        "leaked-subject": ("near-duplicate-across-splits", "near-duplicate-across-subjects"),
        "corrupt": ("unreadable",),
        "truncated": ("unreadable",),
        "missing": ("missing-cells",),
    }[kind]
    ids = set(planted["sample_ids"])
    hits = [f for f in findings if f.kind in wanted and is_about(f, planted)]
    if kind == "leaked-subject":
        told = {i for finding in hits for i in finding.sample_ids}
        return f"verify, {len(hits)} x {hits[0].kind}" if hits and ids <= told else None
    if hits:
        return f"verify: {hits[0].kind}"
    names = {Path(name).stem for name in planted["files"]} | {i.split("/")[-1] for i in ids}
    if any(name in str(fault) for fault in summary.faults for name in names):
        return "index: listed as a fault"
    return None


def main() -> None:
    """Make, plant, look, print."""
    parser = argparse.ArgumentParser(description="Planted faults, found and invented ones.")
    parser.add_argument("--quick", action="store_true", help="smaller sets, one layout a set")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    totals = {"planted": 0, "found": 0, "invented": 0, "faults_in_clean_sets": 0, "samples": 0}
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases(arguments.quick):
            start = time.perf_counter()
            place = Path(scratch) / f"{case.dataset}-{case.layout}"
            case.make(place / "clean", seed=arguments.seed, workers=WORKERS)
            summary, findings = look(case, place / "clean", place / "clean-out")
            faults = [f for f in findings if severity_of(f.kind) == "fault"]
            print(
                f"{case.dataset}, {case.layout}, SYNTHETIC: clean, {len(summary.manifest.frame)} "
                f"samples: {len(summary.faults)} faults of index, {len(faults)} of verify, "
                f"{len(findings) - len(faults)} notes"
            )
            for finding in findings:
                print(f"    {finding.kind}: {finding.reason}")
            totals["faults_in_clean_sets"] += len(summary.faults) + len(faults)
            totals["samples"] += len(summary.manifest.frame)
            told_of_clean = {(finding.kind, finding.reason) for finding in findings}
            case.make(place / "planted", seed=arguments.seed, workers=WORKERS, plant=KINDS)
            summary, findings = look(case, place / "planted", place / "planted-out")
            listed = json.loads((place / "planted" / PLANTED).read_text())
            for planted in listed:
                found = found_by(planted["kind"], planted, summary, findings)
                totals["planted"] += 1
                totals["found"] += found is not None
                print(f"  {planted['kind']:<15} {found or 'NOT FOUND'}")
            strange = [
                finding
                for finding in findings
                if (finding.kind, finding.reason) not in told_of_clean
                and not any(is_about(finding, planted) for planted in listed)
            ]
            stems = {Path(n).stem for planted in listed for n in planted["files"]}
            stems |= {i.split("/")[-1] for planted in listed for i in planted["sample_ids"]}
            strange_faults = [
                f for f in summary.faults if not any(stem in str(f) for stem in stems)
            ]
            totals["invented"] += len(strange) + len(strange_faults)
            for item in (*strange, *strange_faults):
                print(f"  INVENTED {item}")
            print(f"  {time.perf_counter() - start:.0f} s", flush=True)
    print(
        json.dumps(
            {
                "benchmark": "planted",
                "quick": arguments.quick,
                "ratios": {"found": totals["found"] / totals["planted"]},
                "figures": totals,
            }
        )
    )
    sys.exit(0 if totals["found"] == totals["planted"] and not totals["invented"] else 1)


if __name__ == "__main__":
    main()
