"""The leak gate on open stand-ins (SYNTHETIC): what it catches, and what it takes for a leak.

1. Altered copies of pictures of a clean set are looked for among all of its pictures, with the
   search that the gate uses, one kind of alteration at a time, so that no copy helps to find
   another. Which source is named counts too.
2. Each kind of leak is planted at once in files, a lock is made, and the gate run on it; a lock of
   the same set without them must pass with --strict.
3. All pairs of two people of clean sets are searched (in the wild, where each picture is of another
   person: all pairs); whatever is found is a false alarm. So are pairs of one person.

    python benchmarks/leaks.py SCRATCH           # about 10 minutes, most of it making the sets
    python benchmarks/leaks.py SCRATCH --quick   # fewer copies

SCRATCH is a data home. What it lacks is made there by fertools' own commands.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml
from leak_alterations import ALTERED, Alteration
from PIL import Image
from scipy.stats import chi2

from fertools.duplicates import Sketches, find_near_duplicates, sketch_picture, stack_sketches
from fertools.errors import LockError
from fertools.manifest import Manifest, read_manifest, write_manifest
from fertools.pictures import read_facts, read_picture
from fertools.protocols import (
    Pool,
    Protocol,
    check_lock,
    load_protocol,
    lock_protocol,
    read_pool,
    run_gate,
)

Pixels = npt.NDArray[np.uint8]
Rng = np.random.Generator

MAKE = {
    "affectnet": ["synth affectnet --train 480 --val 120", "index affectnet"],
    "rafdb": ["synth rafdb --train 600 --test 200", "index rafdb"],
    "bu3dfe-p1": [
        "synth bu3dfe --subjects 8 --no-raw --no-f2d --texture-size 512",
        "render-bu3dfe",
    ],
    "multipie": ["synth multipie --subjects 6 --illuminations 7", "index multipie --select all"],
}
WORKERS = len(os.sched_getaffinity(0))


PLANTED = ("mirrored, JPEG 85", "JPEG 50", "1.2 as bright, JPEG 85", "15 % off one side, JPEG 85")


def set_of(home: Path, name: str) -> Manifest:
    """A stand-in's manifest, made if it is not there."""
    if not (home / "derived" / name / "manifest.parquet").exists():
        for words in MAKE[name]:
            print(f"$ fertools {words}", flush=True)
            command = [Path(sys.executable).parent / "fertools", *words.split()]
            environment = {**os.environ, "FERTOOLS_DATA": str(home)}
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    manifest = read_manifest(home / "derived" / name)
    if not manifest.info.synthetic:
        raise SystemExit(f"{name}: not a stand-in")
    return manifest


def people_of(manifest: Manifest) -> npt.NDArray[np.int64]:
    """Who is on each picture; where nobody knows, each one somebody else."""
    people = np.asarray(pd.factorize(manifest.frame["subject_id"])[0], np.int64)
    return np.where(people < 0, np.arange(len(people)) + len(people), people)


def joined(first: Sketches, second: Sketches) -> Sketches:
    windows = [s.windows for s in (first, second) if s.windows is not None]
    words = (np.concatenate([getattr(w, n) for w in windows]) for n in ("inner", "outer", "unsure"))
    thumbnails = np.concatenate([np.asarray(s.thumbnails) for s in (first, second)])
    return replace(
        first,
        hashes=np.concatenate([first.hashes, second.hashes]),
        coarse=np.concatenate([first.coarse, second.coarse]),
        thumbnails=thumbnails,
        is_flat=np.concatenate([first.is_flat, second.is_flat]),
        windows=type(windows[0])(*words),
    )


def caught(
    pictures: dict[int, Pixels], sketches: Sketches, alter: Alteration, rng: Rng
) -> tuple[int, int]:
    """How many altered copies are found as such of their sources, and how many pairs are wrong."""
    numbers = list(pictures)
    copies = stack_sketches([sketch_picture(alter(pictures[i], rng)) for i in numbers])
    count = len(sketches)
    pairs = find_near_duplicates(
        joined(sketches, copies),
        kinds=np.repeat([0, 1], [count, len(copies)]),
        may_meet=~np.eye(2, dtype=np.bool_),
        every_pair=True,
        workers=WORKERS,
    )
    found = {(pair.first, pair.second) for pair in pairs}
    right = {(i, count + place) for place, i in enumerate(numbers)}
    return len(found & right), len(found - right)


def false_alarms(sketches: Sketches, people: npt.NDArray[np.int64]) -> dict[str, float]:
    """Pairs of two people, and of one person, and how many of them are taken for copies."""
    count, sizes = len(sketches), np.bincount(people)
    own = int((sizes * (sizes - 1)).sum()) // 2
    kinds = np.unique(people, return_inverse=True)[1]
    others = find_near_duplicates(
        sketches,
        kinds=kinds,
        may_meet=~np.eye(kinds.max() + 1, dtype=np.bool_),
        every_pair=True,
        workers=WORKERS,
    )
    alike = find_near_duplicates(
        sketches,
        people=people,
        kinds=kinds,
        may_meet=np.eye(kinds.max() + 1, dtype=np.bool_),
        every_pair=True,
        workers=WORKERS,
    )
    found = len({(pair.first, pair.second) for pair in others})
    pairs = count * (count - 1) // 2 - own
    return {
        "pairs": pairs,
        "found": found,
        "per_million": found / pairs * 1e6,
        "at_most": float(chi2.ppf(0.95, 2 * found + 2)) / 2 / pairs * 1e6,
        "own_pairs": own,
        "own_found": len({(pair.first, pair.second) for pair in alike}),
    }


def write_set(folder: Path, rows: list[dict[str, object]], dataset: str) -> Manifest:
    """The manifest of files that lie there."""
    for row in rows:
        if "sha256" not in row:
            facts = read_facts(folder / str(row["image"]))
            row |= {"width": facts.width, "height": facts.height, "sha256": facts.sha256}
    frame = pd.DataFrame(rows)
    path = folder / "manifest.parquet"
    return write_manifest(path, frame, dataset=dataset, synthetic=True, config={})


def protocol_of(folder: Path, dataset: str, classes: list[str]) -> Protocol:
    """The split that the rows say."""
    sides = {
        side: {"dataset": dataset, "derived": "none", "where": {"split": [side]}}
        for side in ("train", "test")
    }
    values = {"name": "planted", "version": 1, "title": "Planted", "reference": "none"}
    values |= {"task": "expression", "metrics": ["accuracy"], "primary_metric": "accuracy"}
    (folder / "planted.yaml").write_text(
        yaml.safe_dump({**values, "classes": classes, "split": {"method": "parts", **sides}})
    )
    return load_protocol(str(folder / "planted.yaml"))


def plant(folder: Path, manifest: Manifest, rng: Rng, each: int) -> dict[str, tuple[int, int]]:
    """Plant so many of each kind in files and run the gate; kind to caught and planted."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "images").mkdir(parents=True)
    frame, people = manifest.frame, people_of(manifest)
    tested = rng.permutation(np.unique(people))[: len(np.unique(people)) // 2]
    is_test = np.isin(people, tested)
    rows: list[dict[str, object]] = []
    for row, side in zip(frame.to_dict("records"), np.where(is_test, "test", "train"), strict=True):
        image = f"images/{len(rows):05d}{Path(row['image']).suffix}"
        shutil.copyfile(manifest.root / row["image"], folder / image)
        kept = {name: row[name] for name in ("sample_id", "dataset", "subject_id", "expression")}
        rows.append({**kept, "image": image, "split": side})
    classes = sorted(frame["expression"].unique())
    dataset = manifest.info.dataset
    protocol = protocol_of(folder, dataset, classes)

    def pool_of(rows: list[dict[str, object]]) -> Pool:
        path = write_set(folder, rows, dataset).path
        return read_pool(protocol, {"train": path, "test": path})

    pool = pool_of(rows)
    clean = lock_protocol(protocol, pool)
    checked = run_gate(clean, pool, folder / "clean.lock.json", near=True, strict=True)
    result = {"clean locks that pass --strict": (int(not checked.report.leaks), 1)}
    refused = 0
    for number in rng.choice(len(rows), each, replace=False):
        other = classes[(classes.index(str(rows[number]["expression"])) + 1) % len(classes)]
        changed = [*rows[:number], {**rows[number], "expression": other}, *rows[number + 1 :]]
        try:
            check_lock(clean, pool_of(changed))
        except LockError as error:
            refused += str(rows[number]["sample_id"]) in str(error)
    result["another label than locked"] = (refused, each)

    sources = rng.permutation(np.flatnonzero(~is_test))
    planted: dict[str, tuple[str, set[str]]] = {}
    names = ["an identical file", *PLANTED]
    who = frame["subject_id"].iloc[np.flatnonzero(is_test)[0]]
    for place, name in enumerate(names):
        ids = set()
        for number in sources[place * each : (place + 1) * each].tolist():
            image = f"images/{len(rows):05d}.png"
            pixels = read_picture(folder / str(rows[number]["image"]))
            if name == names[0]:
                image = image.replace(".png", Path(str(rows[number]["image"])).suffix)
                shutil.copyfile(folder / str(rows[number]["image"]), folder / image)
            else:
                Image.fromarray(ALTERED[name](pixels, rng)).save(folder / image)
            ids.add(f"planted/{len(rows)}")
            expression = rows[number]["expression"]
            row = {"sample_id": f"planted/{len(rows)}", "image": image, "split": "test"}
            rows.append({**row, "dataset": dataset, "subject_id": who, "expression": expression})
        planted[name] = ("file" if name == names[0] else "near-duplicate", ids)
    if frame["subject_id"].notna().all():
        moved = sources[len(names) * each : (len(names) + 1) * each].tolist()
        for number in moved:
            rows[number]["split"] = "test"
        planted["a subject"] = ("subject", {str(rows[number]["sample_id"]) for number in moved})
    pool = pool_of(rows)
    lock = lock_protocol(protocol, pool)
    leaks = run_gate(lock, pool, folder / "planted.lock.json", near=True).report.leaks
    for name, (kind, ids) in planted.items():
        result[name] = (len({one.test for one in leaks if one.kind == kind} & ids), len(ids))
    every = set().union(*(ids for _, ids in planted.values()))
    result["leaks that nobody planted"] = (sum(one.test not in every for one in leaks), 0)
    return result


def main() -> None:
    """Make the sets, plant, search, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scratch", type=Path, help="a data home; what it lacks is made there")
    parser.add_argument("--quick", action="store_true", help="fewer copies")
    arguments = parser.parse_args()
    number, each = (20, 4) if arguments.quick else (60, 10)
    figures: dict[str, float] = {}
    caught_by: dict[str, list[str]] = {name: [] for name in ALTERED}
    wrong: Counter[str] = Counter()
    totals = {"planted": 0, "caught": 0}
    alarms, planted = {}, {}
    for name in MAKE:
        rng = np.random.default_rng(0)
        manifest = set_of(arguments.scratch, name)
        files = [manifest.root / image for image in manifest.frame["image"]]
        sketches = stack_sketches([sketch_picture(read_picture(file)) for file in files])
        chosen = rng.choice(len(files), number, replace=False).tolist()
        pictures = {i: read_picture(files[i]) for i in chosen}
        for what, alter in ALTERED.items():
            found, others = caught(pictures, sketches, alter, rng)
            caught_by[what].append(f"{found / number:.0%}")
            wrong[name] += others
            figures[f"{name}: {what}"] = found / number
        alarms[name] = false_alarms(sketches, people_of(manifest))
        planted[name] = plant(arguments.scratch / f"planted-{name}", manifest, rng, each)
        print(f"{name}: {len(files)} pictures, synthetic: done", flush=True)
    print(f"\naltered copies found, of {number} of each kind and set (synthetic)")
    print(f"{'':44}" + "".join(f"{name:>11}" for name in MAKE))
    for what, shares in caught_by.items():
        print(f"{what:44}" + "".join(f"{share:>11}" for share in shares))
    print(f"{'pairs with another picture than the source':44}", end="")
    print("".join(f"{wrong[name]:>11}" for name in MAKE))
    print("\nplanted in files, through the gate: caught/planted (synthetic)")
    for what in dict.fromkeys(what for kinds in planted.values() for what in kinds):
        cells = [planted[name].get(what) for name in MAKE]
        print(f"{what:44}" + "".join(f"{'/'.join(map(str, c)) if c else '-':>11}" for c in cells))
        for found, of in filter(None, cells):
            totals = {"planted": totals["planted"] + of, "caught": totals["caught"] + found}
    print("\nfalse alarms on clean sets (synthetic)")
    print(
        f"{'':12}{'pairs of two people':>20}{'found':>7}{'per million':>12}{'at most':>9}", end=""
    )
    print(f"{'pairs of one':>14}{'found':>7}")
    for name, found in alarms.items():
        print(
            f"{name:12}{found['pairs']:>20,.0f}{found['found']:>7.0f}{found['per_million']:>12.2f}"
            f"{found['at_most']:>9.1f}{found['own_pairs']:>14,.0f}{found['own_found']:>7.0f}"
        )
        figures |= {f"{name}: false, {key}": value for key, value in found.items()}
    print("at most: the upper end of the 95 % interval (Poisson), if pairs were independent")
    rounded = {name: round(float(value), 4) for name, value in {**figures, **totals}.items()}
    print(
        json.dumps(
            {"benchmark": "leaks", "quick": arguments.quick, "ratios": {}, "figures": rounded}
        )
    )


if __name__ == "__main__":
    main()
