from __future__ import annotations

import errno
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from fertools.errors import FertoolsError, OutputError
from fertools.jobs import atomic_path, progress, remove_partials, run_tasks, write_bytes, write_json


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"


def test_an_interruption_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def write() -> None:
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with pytest.raises(OutputError, match=r"a\.bin: no space left.*--out"), atomic_path(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not any(tmp_path.iterdir())


def test_dev_full_is_a_full_disk(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OutputError, match="no space left"), atomic_path(tmp_path / "a"):
        Path("/dev/full").write_bytes(b"x" * 100_000)


def test_equal_values_give_equal_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": 1, "a": 2})
    write_json(tmp_path / "b", {"a": 2, "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_tasks(workers: int) -> None:
    assert run_tasks(math.factorial, list(range(8)), workers=workers) == [
        math.factorial(n) for n in range(8)
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_tasks_error_reaches_the_caller(workers: int) -> None:
    with pytest.raises(ValueError, match=r"math domain|nonneg"):
        run_tasks(math.sqrt, [1.0, -1.0, 4.0], workers=workers)


def test_a_worker_that_dies_is_one_clear_error() -> None:
    import os

    with pytest.raises(FertoolsError, match="a worker process died"):
        run_tasks(os._exit, [3, 3, 3], workers=2)


def test_progress_off_a_terminal_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("rendering", 3, "scans") as advance:
        advance(2)
        advance(1, note="loss 0.5")
    assert "rendering: 3 of 3 scans" in capsys.readouterr().err


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".partial-b-xyz.png").write_bytes(b"half")
    (tmp_path / "a" / "b.png").write_bytes(b"whole")
    remove_partials(tmp_path)
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's end")
def test_no_worker_outlives_a_parent_that_was_killed() -> None:
    code = (
        "import os, time; from fertools.jobs import run_tasks; "
        "from tests_of_jobs import say_and_sleep; run_tasks(say_and_sleep, [0, 1, 2], workers=2)"
    )
    helper = (
        "import os, time\n"
        "def say_and_sleep(n):\n"
        "    os.write(1, b'%d\\n' % os.getpid())\n"
        "    time.sleep(60)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tests_of_jobs.py").write_text(helper)
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": folder},
        )
        assert process.stdout is not None
        workers = [int(process.stdout.readline()) for _ in range(2)]
        process.kill()
        process.communicate()
        deadline = time.monotonic() + 20
        while any(map(is_alive, workers)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(map(is_alive, workers))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False
