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
import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml
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
Alteration = Callable[[Pixels, Rng], Pixels]

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


def jpeg(pixels: Pixels, quality: int, kind: str = "JPEG") -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def scaled(pixels: Pixels, factor: float) -> Pixels:
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=how), np.uint8)


def toned(pixels: Pixels, factor: float, gamma: float = 1.0) -> Pixels:
    return np.asarray(np.clip(255 * (pixels / 255) ** gamma * factor, 0, 255), np.uint8)


def cut(pixels: Pixels, left: float, right: float, top: float, bottom: float) -> Pixels:
    height, width = pixels.shape[:2]
    rows = slice(round(top * height), height - round(bottom * height))
    return pixels[rows, round(left * width) : width - round(right * width)]


def cut_any(pixels: Pixels, rng: Rng) -> Pixels:
    """3 to 15 % off one or more sides."""
    which = rng.random(4) < 0.6
    which[rng.integers(4)] = True
    return cut(pixels, *np.where(which, rng.uniform(0.03, 0.15, 4), 0).tolist())


def one_side(pixels: Pixels, rng: Rng, share: float) -> Pixels:
    return cut(pixels, *np.roll([share, 0, 0, 0], rng.integers(4)).tolist())


def turned(pixels: Pixels, degrees: float) -> Pixels:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(
        cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def drawn_on(pixels: Pixels) -> Pixels:
    """A white square of a fifth of the side in a corner."""
    marked = pixels.copy()
    marked[: pixels.shape[0] // 5, : pixels.shape[1] // 5] = 255
    return marked


def everything(pixels: Pixels, rng: Rng) -> Pixels:
    shown = cut_any(pixels[:, ::-1], rng)
    return jpeg(toned(scaled(shown, rng.uniform(0.6, 1.4)), rng.uniform(0.7, 1.3)), 60)


ALTERED: dict[str, Alteration] = {
    "JPEG 90": lambda p, _: jpeg(p, 90),
    "JPEG 50": lambda p, _: jpeg(p, 50),
    "JPEG 30": lambda p, _: jpeg(p, 30),
    "WebP 70": lambda p, _: jpeg(p, 70, "WEBP"),
    "half the size, JPEG 75": lambda p, _: jpeg(scaled(p, 0.5), 75),
    "1.5 times the size, JPEG 75": lambda p, _: jpeg(scaled(p, 1.5), 75),
    "mirrored, JPEG 85": lambda p, _: jpeg(p[:, ::-1], 85),
    "0.4 as bright, JPEG 85": lambda p, _: jpeg(toned(p, 0.4), 85),
    "0.7 as bright, JPEG 85": lambda p, _: jpeg(toned(p, 0.7), 85),
    "1.2 as bright, JPEG 85": lambda p, _: jpeg(toned(p, 1.2), 85),
    "1.5 as bright (overexposed), JPEG 85": lambda p, _: jpeg(toned(p, 1.5), 85),
    "gamma 0.7, JPEG 85": lambda p, _: jpeg(toned(p, 1, 0.7), 85),
    "gamma 1.5, JPEG 85": lambda p, _: jpeg(toned(p, 1, 1.5), 85),
    "5 % off one side, JPEG 85": lambda p, rng: jpeg(one_side(p, rng, 0.05), 85),
    "15 % off one side, JPEG 85": lambda p, rng: jpeg(one_side(p, rng, 0.15), 85),
    "20 % off one side, JPEG 85": lambda p, rng: jpeg(one_side(p, rng, 0.20), 85),
    "3 to 15 % off any sides, JPEG 85": lambda p, rng: jpeg(cut_any(p, rng), 85),
    "5 % off all sides, JPEG 85": lambda p, _: jpeg(cut(p, 0.05, 0.05, 0.05, 0.05), 85),
    "8 % off all sides, JPEG 85": lambda p, _: jpeg(cut(p, 0.08, 0.08, 0.08, 0.08), 85),
    "15 % off all sides, JPEG 85": lambda p, _: jpeg(cut(p, 0.15, 0.15, 0.15, 0.15), 85),
    "20 % off all sides, JPEG 85": lambda p, _: jpeg(cut(p, 0.2, 0.2, 0.2, 0.2), 85),
    "mirrored, cut, scaled, 0.7 to 1.3, JPEG 60": everything,
    "turned by 2 degrees": lambda p, _: turned(p, 2),
    "turned by 5 degrees": lambda p, _: turned(p, 5),
    "a white square drawn on": lambda p, _: drawn_on(p),
}
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
