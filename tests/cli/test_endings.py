from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.fertools_app import app
from cli.runner import new_app
from fertools.errors import ScanError

Make = Callable[..., Path]
RUNNER = CliRunner()


def ending(raised: BaseException) -> tuple[int, str]:
    group = new_app("A group.")

    @group.callback()
    def nothing() -> None:
        """Make it a group."""

    @group.command()
    def work() -> None:
        raise raised

    result = RUNNER.invoke(group, ["work"])
    return result.exit_code, result.stderr


def test_a_clear_error_is_one_line_and_status_1() -> None:
    assert ending(ScanError("a.wrl: is\ncut off")) == (1, "error: a.wrl: is cut off\n")


@pytest.mark.parametrize("words", [["work", "--out", ""], ["work", "--out="], ["work", ""]])
def test_an_empty_value_is_a_mistake_and_not_the_working_folder(words: list[str]) -> None:
    group = new_app("A group.")
    group.callback()(lambda: None)
    group.command(name="work")(lambda: None)
    result = RUNNER.invoke(group, words)
    assert result.exit_code == 2
    assert "is empty; leave out both, or give one" in result.stderr


def test_an_interruption_is_one_line_and_status_130() -> None:
    status, text = ending(KeyboardInterrupt())
    assert (status, text.count("\n")) == (130, 1)
    assert "start the same command again" in text


def test_an_error_of_the_system_names_its_file() -> None:
    status, text = ending(OSError(errno.EACCES, "Permission denied", "a.csv"))
    assert status == 1
    assert text.startswith("error: a.csv: Permission denied")


def test_a_bug_of_ours_keeps_its_traceback() -> None:
    group = new_app("A group.")
    group.callback()(lambda: None)

    def work() -> None:
        raise ZeroDivisionError

    group.command("work")(work)
    assert isinstance(RUNNER.invoke(group, ["work"]).exception, ZeroDivisionError)


@pytest.mark.parametrize(
    "arguments",
    [
        ["render-bu3dfe", "--views", "p3"],
        ["render-bu3dfe", "--image-size", "0"],
        ["nonsense"],
        ["protocols", "show"],
    ],
)
def test_a_wrong_option_is_status_2(arguments: list[str]) -> None:
    assert RUNNER.invoke(app, arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["render-bu3dfe"], "no bu3dfe data set: looked in"),
        (["index", "bu3dfe-rendered"], "is no rendered set"),
        (["protocols", "lock", "bu3dfe-p1-5fold"], "there is no manifest here"),
        (["protocols", "check", "none.json"], "there is no lock here"),
        (["protocols", "show", "bu3dfe-p3"], "unknown protocol 'bu3dfe-p3'"),
    ],
)
def test_a_missing_data_home_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], match: str
) -> None:
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert match in result.stderr


def test_the_version_is_printed() -> None:
    result = RUNNER.invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.startswith("fertools ")) == (0, True)


def test_render_index_lock_and_check_go_by_their_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_bu3dfe: Make
) -> None:
    monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
    make_bu3dfe(tmp_path / "standin" / "bu3dfe", subjects=5)
    small = ["--image-size", "16", "--supersample", "1", "--workers", "1"]
    rendered = RUNNER.invoke(app, ["render-bu3dfe", *small])
    assert rendered.exit_code == 0, rendered.stderr
    assert rendered.stdout.splitlines()[-1] == str(tmp_path / "derived/bu3dfe-p1/manifest.parquet")
    assert "a stand-in" in rendered.stderr
    indexed = RUNNER.invoke(app, ["index", "bu3dfe-rendered"])
    assert "150 samples, 5 subjects, 5 views, 6 expressions (synthetic)" in indexed.stdout
    locked = RUNNER.invoke(app, ["protocols", "lock", "bu3dfe-p1-5fold"])
    assert locked.exit_code == 0, locked.stderr
    lock = locked.stdout.splitlines()[-1]
    assert RUNNER.invoke(app, ["protocols", "check", lock]).exit_code == 0
    where = RUNNER.invoke(app, ["where"])
    assert "stand-in (synthetic)" in where.stdout
    assert "150 samples of bu3dfe, synthetic" in where.stdout


def test_ctrl_c_in_a_render_with_workers_ends_in_one_line_and_goes_on(
    tmp_path: Path, make_bu3dfe: Make
) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=30, levels=(1, 2, 3, 4))
    command = [sys.executable, "-P", "-m", "cli.fertools_app", "render-bu3dfe", str(root)]
    command += ["--image-size", "64", "--workers", "2", "--out", str(tmp_path / "out")]
    # as from a terminal: a shell's background job, this test run perhaps, passes on that it ignores
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    records = tmp_path / "out" / "records"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if records.is_dir() and len(list(records.iterdir())) > 5:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
            break
        time.sleep(0.01)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1].startswith("interrupted; what is whole is kept")
    assert "Traceback" not in errors
    assert not (tmp_path / "out" / "manifest.parquet").exists()
    assert not list((tmp_path / "out").rglob(".partial-*"))


def test_help_does_not_import_what_commands_need() -> None:
    heavy = [
        "torch",
        "numba",
        "pandas",
        "pyarrow",
        "matplotlib",
        "cv2",
        "sklearn",
        "pydantic",
        "PIL",
    ]
    code = (
        "import sys\nfrom typer.testing import CliRunner\n"
        "from cli.fertools_app import app\nfrom cli.zoo_app import app as zoo\n"
        "for a in (app, zoo):\n    assert CliRunner().invoke(a, ['--help']).exit_code == 0\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_reader_that_leaves_is_no_error_of_ours() -> None:
    command = [sys.executable, "-P", "-m", "cli.fertools_app", "protocols", "show"]
    process = subprocess.Popen(
        [*command, "bu3dfe-p1-5fold"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(timeout=60)


def test_exit_passes_through() -> None:
    assert ending(typer.Exit(3))[0] == 3


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('none', name='torch')")
    command = [sys.executable, "-m", "cli.zoo_app", "list"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the package 'torch' is not installed")
    assert 'pip install "fertools[zoo]"' in done.stderr


def test_a_full_disk_is_one_clear_line(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    program = [sys.executable, "-P", "-m", "cli.fertools_app", "render-bu3dfe", str(root)]
    words = [*program, "--image-size", "64", "--workers", "1", "--out", str(tmp_path / "out")]
    limited = ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", *words]  # no file above 1 kB
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "no space left on the device" in last
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "manifest.parquet").exists()
    again = subprocess.run(words, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr


def test_a_name_that_is_not_utf8_is_one_clear_line() -> None:
    status, text = ending(UnicodeEncodeError("utf-8", "t/\udcff", 2, 3, "surrogates not allowed"))
    assert (status, text.count("\n")) == (1, 1)
    assert "not UTF-8" in text
