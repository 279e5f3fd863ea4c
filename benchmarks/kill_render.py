"""kill -9 at random moments of a sharded render, then go on: is every byte as if nothing had been?

Renders stand-ins once without interruption. Then starts the shards of the same render again and
again and kills the whole group of processes at a random moment: half of the times anywhere in a
command's life, half while pictures are being written; the command that merges is killed as well.
Whenever a render is whole, every file is compared with the uninterrupted one's, and it starts
anew. Ends with status 1 if a file differs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from fertools.synth.bu3dfe import synthesise_bu3dfe

PROGRAM = [sys.executable, "-P", "-m", "cli.fertools_app"]
OPTIONS = ["--image-size", "448", "--supersample", "3", "--layers", "depth,normals,mask"]
SHARDS = 3


def start(words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PROGRAM, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(words: list[str]) -> None:
    process = start(words)
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}: {errors.decode()}")


def kill_at(process: subprocess.Popen[bytes], delay: float, out: Path, *, writing: bool) -> str:
    """Kill a command's processes; says in which state it was, or that it had ended."""
    before = len(list((out / "records").glob("*.json"))) if out.is_dir() else 0
    while writing and process.poll() is None:
        if out.is_dir() and len(list((out / "records").glob("*.json"))) > before:
            break
        time.sleep(0.005)
    deadline = time.monotonic() + delay
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    ended = process.poll() is not None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    if ended:
        return "ended"
    half_written = any(out.rglob(".partial-*"))
    return "a file half-written" if half_written else "between files"


def differences(one: Path, other: Path) -> list[str]:
    """Names of files that are not in both or not the same."""
    names = {str(p.relative_to(f)) for f in (one, other) for p in f.rglob("*") if p.is_file()}
    return sorted(
        name
        for name in names
        if not (one / name).is_file()
        or not (other / name).is_file()
        or (one / name).read_bytes() != (other / name).read_bytes()
    )


def commands(root: Path, out: Path) -> dict[str, list[str]]:
    """Shards and merge."""
    render = ["render-bu3dfe", str(root), *OPTIONS, "--workers", "2", "--out", str(out)]
    shards = {f"shard {n}": [*render, "--shard", f"{n}/{SHARDS}"] for n in range(1, SHARDS + 1)}
    return {**shards, "merge": ["merge", str(out)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="6 kills, within 50 s")
    options = parser.parse_args()
    kills = 6 if options.quick else options.kills
    rng = random.Random(options.seed)
    states: Counter[str] = Counter()
    compared, different = 0, []
    with tempfile.TemporaryDirectory() as scratch:
        root, whole, out = (Path(scratch) / name for name in ("bu3dfe", "whole", "out"))
        synthesise_bu3dfe(
            root, subjects=1 if options.quick else 3, seed=1, raw=False, f2d=False, texture_size=512
        )
        lives = {}
        for name, words in commands(root, whole).items():
            began = time.monotonic()
            finish(words)
            lives[name] = time.monotonic() - began
        killed = 0
        while killed < kills:
            for name, words in commands(root, out).items():
                while killed < kills:
                    writing = rng.random() < 0.5 and name != "merge"
                    delay = rng.uniform(0, 0.4 if writing else lives[name])
                    state = kill_at(start(words), delay, out, writing=writing)
                    if state == "ended":
                        break
                    killed += 1
                    states[f"{name.split()[0]}: {state}"] += 1
                    if name == "merge" and rng.random() < 0.5:
                        break
            for words in commands(root, out).values():
                finish(words)
            compared += 1
            different += differences(whole, out)
            shutil.rmtree(out)
    print(f"{kills} kills of a render in {SHARDS} shards of 2 workers, then resumed")
    for state, count in sorted(states.items()):
        print(f"  {state:30} {count:4}")
    print(f"whole renders compared: {compared}; files that differ: {len(different)}")
    print("\n".join(different[:10]))
    figures = {"kills": kills, "renders_compared": compared, "files_different": len(different)}
    result = {"benchmark": "kill_render", "quick": options.quick, "ratios": {}, "figures": figures}
    print(json.dumps({**result, "states": dict(states)}))
    raise SystemExit(bool(different))


if __name__ == "__main__":
    main()
