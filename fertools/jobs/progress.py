"""Progress of long work: a bar on a terminal, a plain timed line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Advance", "progress"]

Advance = Callable[..., None]
_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def progress(description: str, total: int | None, unit: str) -> Iterator[Advance]:
    """Show how far a piece of work has come, on stderr.

    Args:
        description: What is being done, such as ``"rendering"``.
        total: How many units there are; None where nobody knows yet.
        unit: Their name in the plural, such as ``"scans"``.

    Yields:
        ``advance(n=1, note="")``: call it after every ``n`` units; the note (a loss, a file) is
        shown behind the bar.
    """
    if sys.stderr.isatty():
        yield from _bar(description, total, unit)
    else:
        yield from _lines(description, total, unit)


def _bar(description: str, total: int | None, unit: str) -> Iterator[Advance]:
    """A rich bar with rate and time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Units a second since the start."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:.1f} {unit}/s" if speed else f"– {unit}/s", style="dim")

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(description, total=total, note="")

        def advance(n: int = 1, note: str = "") -> None:
            bar.update(task, advance=n, note=note)

        yield advance


def _lines(description: str, total: int | None, unit: str) -> Iterator[Advance]:
    """A line every ten seconds and one at the end, for logs."""
    start = time.monotonic()
    done = 0
    last_line = start
    last_note = ""

    def say(now: float) -> None:
        seconds = max(now - start, 1e-9)
        is_open = total is not None and 0 < done < total
        tail = f", about {((total or 0) - done) * seconds / done:.0f} s left" if is_open else ""
        of_all = "" if total is None else f" of {total}"
        note = f" ({last_note})" if last_note else ""
        print(
            f"{description}: {done}{of_all} {unit}, {seconds:.0f} s{tail}{note}",
            file=sys.stderr,
            flush=True,
        )

    def advance(n: int = 1, note: str = "") -> None:
        nonlocal done, last_line, last_note
        done += n
        last_note = note
        now = time.monotonic()
        if now - last_line >= _SECONDS_BETWEEN_LINES and (total is None or done < total):
            last_line = now
            say(now)

    yield advance
    say(time.monotonic())
