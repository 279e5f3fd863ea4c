"""One task after another, in this process or in several, with progress and a clean end."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType
from typing import TypeVar

from fertools.errors import FertoolsError
from fertools.jobs.progress import progress

__all__ = ["default_workers", "run_tasks"]

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def default_workers() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def run_tasks(
    function: Callable[[_Task], _Result],
    tasks: Sequence[_Task],
    *,
    workers: int = 1,
    scheduler: str | None = None,
    description: str = "working",
    unit: str = "tasks",
) -> list[_Result]:
    """Apply a function to every task and return the results in the tasks' order.

    Args:
        function: A function of a module (worker processes import it by name).
        tasks: What it is applied to; each must be picklable.
        workers: Processes; 1 works in this one.
        scheduler: Address of a Dask scheduler whose workers do the tasks instead; see
            :mod:`fertools.jobs.cluster`.
        description: Shown with the progress.
        unit: What a task is called in the progress, in the plural.

    Returns:
        One result a task, in order, whatever the number of workers.

    Raises:
        FertoolsError: The first error of a task; the others are given up. Also if a worker process
            dies (out of memory, killed), or no scheduler answers.
    """
    if workers < 1:
        raise ValueError(f"workers must be 1 or more, got {workers}")
    if scheduler is not None:
        from fertools.jobs.cluster import run_on_cluster

        return run_on_cluster(
            function, tasks, scheduler=scheduler, description=description, unit=unit
        )
    with progress(description, len(tasks), unit) as advance:
        if workers == 1 or len(tasks) < 2:
            results = []
            for task in tasks:
                results.append(function(task))
                advance()
            return results
        return _in_processes(function, tasks, min(workers, len(tasks)), lambda: advance())


def _in_processes(
    function: Callable[[_Task], _Result],
    tasks: Sequence[_Task],
    workers: int,
    advance: Callable[[], None],
) -> list[_Result]:
    """Spread tasks over fresh processes, few ahead of the workers so that a stop is quick."""
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker
    )
    resource_tracker.ensure_running()  # starting it lets SIGINT through again
    results: dict[int, _Result] = {}
    running: dict[Future[_Result], int] = {}
    waiting = iter(enumerate(tasks))
    done_whole = False
    try:
        while True:
            while len(running) < 2 * workers and (item := next(waiting, None)) is not None:
                with _interrupts_held():  # inherited by workers: only this process answers ^C
                    running[pool.submit(_call, function, item[1])] = item[0]
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                results[running.pop(future)] = future.result()
                advance()
        done_whole = True
    except BrokenProcessPool as error:
        raise FertoolsError(
            "a worker process died (out of memory, or killed); "
            "start the same command again, with a smaller --workers if memory is short"
        ) from error
    finally:
        if not done_whole:
            for process in list((pool._processes or {}).values()):
                process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
    return [results[index] for index in range(len(tasks))]


def _prepare_worker() -> None:
    """Let SIGTERM raise in a worker, so that it tidies up, and let none outlive a killed parent."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():  # it died before the line above
        os._exit(1)


def _call(function: Callable[[_Task], _Result], task: _Task) -> _Result:
    """One task in a worker; the pool would catch SystemExit and go on, so leave here."""
    try:
        return function(task)
    except SystemExit as stop:
        os._exit(stop.code if isinstance(stop.code, int) else 1)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold SIGINT back while child processes are started: they inherit that, and it is not lost.

    An interruption that comes meanwhile is delivered at the end of the block.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
