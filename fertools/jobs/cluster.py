"""The tasks of :func:`fertools.jobs.run_tasks` on a Dask cluster instead of this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from fertools.errors import ConfigError, FertoolsError, MissingExtraError
from fertools.jobs.progress import progress

__all__ = ["run_on_cluster"]

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
_TIMEOUT = "20s"
_ADDRESS = re.compile(r"((tcp|tls|ws|wss)://)?[^/\s]+:\d{1,5}")


def run_on_cluster(
    function: Callable[[_Task], _Result],
    tasks: Sequence[_Task],
    *,
    scheduler: str,
    description: str = "working",
    unit: str = "tasks",
) -> list[_Result]:
    """Apply a function to every task on the workers of a Dask cluster.

    The workers need this package in the same version, and the same files under the same paths.

    Args:
        function: A function of a module.
        tasks: What it is applied to; each must be picklable.
        scheduler: Address of the scheduler, such as ``tcp://10.0.0.1:8786``.
        description: Shown with the progress.
        unit: What a task is called in the progress, in the plural.

    Returns:
        One result a task, in order.

    Raises:
        MissingExtraError: If dask[distributed] is not installed.
        ConfigError: If no scheduler answers there.
        FertoolsError: The first error of a task; the others are given up. Also if workers die.
    """
    try:
        from distributed import CancelledError, Client, as_completed
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise MissingExtraError("distributed", "cluster") from error
    nobody = (
        f"--scheduler {scheduler!r}: no Dask scheduler answers there within {_TIMEOUT}; start one "
        "with 'dask scheduler' and give its address, as in tcp://10.0.0.1:8786"
    )
    if _ADDRESS.fullmatch(scheduler) is None:
        raise ConfigError(nobody)
    try:
        client = Client(scheduler, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TypeError, TimeoutError) as error:
        raise ConfigError(nobody) from error
    with client, progress(description, len(tasks), unit) as advance:
        futures = client.map(function, tasks, pure=False, retries=0)
        order = {future.key: index for index, future in enumerate(futures)}
        results: dict[int, _Result] = {}
        try:
            for future in as_completed(futures, loop=client.loop):
                results[order[future.key]] = future.result()
                advance()
        except KilledWorker as error:
            raise FertoolsError(
                "workers of the cluster died at one task (out of memory?); start the same command "
                "again: what is whole is kept"
            ) from error
        except (CancelledError, CommClosedError) as error:
            raise FertoolsError(
                f"the cluster at {scheduler} went away; start the same command again: what is "
                "whole is kept"
            ) from error
        finally:
            client.cancel(futures)
    return [results[index] for index in range(len(tasks))]
