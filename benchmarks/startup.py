"""How quickly the two commands answer ``--help``, against an empty typer app in the same run.

CPU time (user and system) of whole processes; medians over rounds in turn.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys

EMPTY = """
import typer
app = typer.Typer()
@app.command()
def one() -> None: "First."
@app.command()
def two() -> None: "Second."
app()
"""
COMMANDS = {
    "empty typer app": [sys.executable, "-c", EMPTY, "--help"],
    "fertools --help": [sys.executable, "-P", "-m", "cli.fertools_app", "--help"],
    "zoo --help": [sys.executable, "-P", "-m", "cli.zoo_app", "--help"],
}


def cpu_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_args().quick
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(5 if quick else 15):
        for name, command in COMMANDS.items():
            times[name].append(cpu_seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    base = medians["empty typer app"]
    print(f"{'command':<18} {'CPU s':>7} {'ratio':>6}")
    for name, median in medians.items():
        print(f"{name:<18} {median:7.3f} {median / base:6.2f}")
    ratios = {name: round(m / base, 3) for name, m in medians.items() if name != "empty typer app"}
    figures = {name: round(m, 4) for name, m in medians.items()}
    print(
        json.dumps({"benchmark": "startup", "quick": quick, "ratios": ratios, "figures": figures})
    )


if __name__ == "__main__":
    main()
