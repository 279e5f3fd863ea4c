"""BU-3DFE scans to pictures, end to end, against a fair pyrender pipeline in the same run.

From ``.wrl`` and ``.bmp`` (1024 x 1024) to 224 x 224 PNG files, for scans of about 15k and 35k
triangles, P1's 5 and P2's 35 views, one process of each side and two: each on its own core, started
once, warmed up, then in turn. Ours takes 2 x 2 samples a pixel and also reads and projects the
landmarks; pyrender has 4x multisampling and is measured with Pillow's encoder and with ours.
``whole job`` is a worker of ``fertools render-bu3dfe`` with its digests and records.
Stand-in scans are made first, unless ``--scans`` names a folder that was made before.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from multiprocessing import Process
from pathlib import Path
from typing import Literal

from render_memory import EARLY, measure_memory
from render_workers import Done, Job, Side, Workers

from fertools.formats.bu3dfe import find_scans
from fertools.synth import synthesise_bu3dfe

Density = Literal["8k", "18k"]
DENSITIES: dict[Density, str] = {"8k": "15k", "18k": "35k"}
NUM_SCANS = 1000
SCANS_AT_ONCE = {5: 4, 35: 1}  # views: scans that a process draws in a round
SIDES: list[tuple[Side, str]] = [
    ("ours", ""),
    ("whole job", ""),
    ("pyrender", "Pillow"),
    ("pyrender", "our encoder"),
    ("encoding alone", ""),
]
Case = tuple[str, int, int, str]  # triangles, views, processes, and the side with its encoder


class Results:
    """Rates and stage times of every case, a list over the rounds."""

    def __init__(self) -> None:
        self.rates: dict[Case, list[float]] = defaultdict(list)
        self.cpu_ms: dict[Case, list[float]] = defaultdict(list)
        self.stage_ms: dict[Case, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, case: Case, seconds: float, done: list[Done]) -> None:
        """Keep what one round of one case took."""
        num_pictures = sum(one.num_pictures for one in done)
        self.rates[case].append(num_pictures / seconds)
        cpu_seconds = sum(one.cpu_seconds for one in done)
        self.cpu_ms[case].append(1e3 * cpu_seconds / num_pictures)
        stages: dict[str, float] = defaultdict(float)
        for one in done:
            for name, value in one.stages.items():
                stages[name] += value
        stages["other"] = max(0.0, len(done) * seconds - sum(stages.values()))
        for name, value in stages.items():
            self.stage_ms[case][name].append(1e3 * value / num_pictures)

    def rate(self, case: Case) -> float:
        """Median pictures a second."""
        return statistics.median(self.rates[case])

    def cpu(self, case: Case) -> float:
        """Median processor time of a picture, milliseconds."""
        return statistics.median(self.cpu_ms[case])


def make_scans(root: Path, *, subjects: int) -> None:
    """Both densities at the same time, a process each; what is there stays."""
    missing = [d for d in DENSITIES if not (root / d).exists()]
    makers = [Process(target=_synthesise, args=(root / d, subjects, d)) for d in missing]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    os.sync()  # or their way to the disk would slow the pictures down


def _synthesise(out: Path, subjects: int, density: Density) -> None:
    synthesise_bu3dfe(
        out, subjects=subjects, seed=0, raw=False, f2d=False, density=density, texture_size=1024
    )


def measure(root: Path, *, rounds: int, processes: list[int]) -> Results:
    """All cases in turn, in every round."""
    scans = {name: [s.wrl for s in find_scans(root / d).scans] for d, name in DENSITIES.items()}
    cores = sorted(os.sched_getaffinity(0))[: max(processes)]
    workers = {"ours": Workers("ours", cores), "pyrender": Workers("pyrender", cores)}
    for wrls in scans.values():
        for path in (path for wrl in wrls for path in wrl.parent.glob(f"{wrl.stem}.*")):
            path.read_bytes()  # into the system's cache
        list(take_turns(workers, pick(wrls, 0, 1, len(cores)), min(SCANS_AT_ONCE)))  # warm-up
    results = Results()
    for number in range(rounds):
        for triangles, num_views, num_processes in product(scans, SCANS_AT_ONCE, processes):
            picks = pick(scans[triangles], number, SCANS_AT_ONCE[num_views], num_processes)
            for name, seconds, done in take_turns(workers, picks, num_views):
                results.add((triangles, num_views, num_processes, name), seconds, done)
    for some in workers.values():
        some.stop()
    return results


def take_turns(
    workers: dict[str, Workers], picks: list[tuple[Path, ...]], num_views: int
) -> Iterator[tuple[str, float, list[Done]]]:
    """Let each side draw the same scans, one after the other; its name, seconds and results."""
    for side, encoder in SIDES:
        at_work = workers["pyrender" if side == "pyrender" else "ours"]
        jobs = [Job(side, wrls, num_views, encoder) for wrls in picks]
        if side == "encoding alone":
            at_work.do(jobs)  # draws what is to be encoded
        yield side_name(side, encoder), *at_work.do(jobs)


def pick(
    wrls: list[Path], number: int, num_scans: int, num_processes: int
) -> list[tuple[Path, ...]]:
    """Other scans for every process and round, as long as there are any."""
    start = max(number, 0) * num_scans * num_processes
    chosen = [wrls[(start + i) % len(wrls)] for i in range(num_scans * num_processes)]
    return [tuple(chosen[i::num_processes]) for i in range(num_processes)]


def side_name(side: Side, encoder: str) -> str:
    return f"{side} + {encoder}" if encoder else side


def print_rates(results: Results) -> tuple[dict[str, float], dict[str, float]]:
    """The table of all combinations; its ratios and figures by name."""
    ratios: dict[str, float] = {}
    figures: dict[str, float] = {}
    names = [side_name(side, encoder) for side, encoder in SIDES]
    print("\nPictures a second, medians; x: ours to pyrender (in brackets by processor time)")
    print(
        f"{'':19} {'ours':>7} {'pyrender+Pillow':>22} {'pyrender+our encoder':>24}"
        f" {'whole job':>10} {'x':>5} {'encoding':>9} {'of it':>6}"
    )
    for case in dict.fromkeys(case[:3] for case in results.rates):
        triangles, num_views, processes = case
        rates = {name: results.rate((*case, name)) for name in names}
        cpu = {name: results.cpu((*case, name)) for name in names}
        key = f"{triangles} triangles, {num_views} views, {processes} against {processes}"
        line = f"{triangles} x{num_views:>3} views, {processes}:{processes} {rates['ours']:7.1f}"
        for name in ("pyrender + Pillow", "pyrender + our encoder"):
            ratio, by_cpu = rates["ours"] / rates[name], cpu[name] / cpu["ours"]
            line += f" {rates[name]:8.1f} x{ratio:5.2f} ({by_cpu:5.2f})"
            ratios[f"{key}, to {name}"] = round(ratio, 3)
            ratios[f"{key}, to {name}, by processor time"] = round(by_cpu, 3)
        job = rates["whole job"] / rates["pyrender + Pillow"]
        floor = rates["ours"] / rates["encoding alone"]
        line += f" {rates['whole job']:12.1f} {job:5.2f}"
        print(f"{line} {rates['encoding alone']:9.1f} {floor:6.2f}")
        ratios[f"{key}, whole job to pyrender + Pillow"] = round(job, 3)
        ratios[f"{key}, to encoding alone"] = round(floor, 3)
        figures |= {f"{key}, {name}, pictures/s": round(r, 1) for name, r in rates.items()}
    return ratios, figures


def print_stages(results: Results) -> dict[str, float]:
    """Where the time of a picture goes, one process of each side; the milliseconds by name."""
    figures: dict[str, float] = {}
    print("\nMilliseconds a picture, medians, one process (what a scan takes once is divided up)")
    for case, stages in results.stage_ms.items():
        triangles, num_views, processes, name = case
        if processes != 1 or name not in ("ours", "pyrender + Pillow"):
            continue
        medians = {stage: statistics.median(values) for stage, values in stages.items()}
        total = sum(medians.values())
        parts = (f"{stage} {ms:.2f} ({ms / total:.0%})" for stage, ms in medians.items())
        print(f"{triangles} {num_views:>2} views, {name}: {total:.2f} = {', '.join(parts)}")
        for stage, ms in medians.items():
            figures[f"{triangles}, {num_views} views, {name}, {stage}, ms"] = round(ms, 3)
    return figures


def print_memory(root: Path, num_scans: int) -> dict[str, float]:
    """Peak memory of one worker."""
    peaks = measure_memory(root / "18k", num_scans)
    print(
        f"\nPeak memory of one worker, 35k triangles, 5 views: {peaks[f'after {EARLY} scans']:.0f}"
        f" MB after {EARLY} scans, {peaks[f'after {num_scans} scans']:.0f} MB after {num_scans}"
    )
    return {f"peak of one worker {when}, MB": round(mb, 1) for when, mb in peaks.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, one process a side")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of a full run")
    parser.add_argument("--memory", action="store_true", help="only the memory of one worker")
    parser.add_argument("--scans", type=Path, help="folder to take scans from, or to leave them in")
    options = parser.parse_args()
    ratios: dict[str, float] = {}
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        root = options.scans or Path(temporary)
        make_scans(root, subjects=1 if options.quick else 2)
        if not options.memory:
            rounds = 1 if options.quick else options.rounds
            cores = len(os.sched_getaffinity(0))
            processes = [1] if options.quick or cores < 2 else [1, 2]
            results = measure(root, rounds=rounds, processes=processes)
            ratios, figures = print_rates(results)
            figures |= print_stages(results)
        if options.memory or not options.quick:
            figures |= print_memory(root, NUM_SCANS)
    print(
        json.dumps(
            {"benchmark": "render", "quick": options.quick, "ratios": ratios, "figures": figures}
        )
    )


if __name__ == "__main__":
    main()
