from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fertools.errors import ConfigError, FertoolsError, MissingExtraError, ScanError
from fertools.home import describe_root
from fertools.jobs import run_tasks
from fertools.render.job import render_bu3dfe
from fertools.render.recipe import RenderConfig

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # of dask's own


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A cluster of two processes on this machine."""
    with (
        warnings.catch_warnings(action="ignore"),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
    ):
        yield cluster.scheduler_address


def square_or_fail(number: int) -> int:
    if number == 13:
        raise ScanError("13.wrl: is damaged")
    return number * number


def test_results_come_in_the_order_of_the_tasks(scheduler: str) -> None:
    assert run_tasks(square_or_fail, range(10), scheduler=scheduler) == [n * n for n in range(10)]


def test_the_error_of_a_task_comes_back_as_it_is(scheduler: str) -> None:
    with pytest.raises(ScanError, match=r"13\.wrl: is damaged"):
        run_tasks(square_or_fail, [1, 13, 2], scheduler=scheduler)


def test_a_cluster_writes_the_same_bytes_as_this_process(
    scheduler: str, tmp_path: Path, make_bu3dfe: Callable[..., Path]
) -> None:
    root = describe_root("bu3dfe", make_bu3dfe(tmp_path / "in", subjects=1))
    config = RenderConfig(image_size=16)
    render_bu3dfe(root, tmp_path / "here", config)
    render_bu3dfe(root, tmp_path / "there", config, scheduler=scheduler)
    one, two = (
        {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for folder in (tmp_path / "here", tmp_path / "there")
    )
    assert one == two


def test_where_no_scheduler_answers_it_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fertools.jobs.cluster._TIMEOUT", "1s")
    for address in ("tcp://127.0.0.1:9", "nonsense://x", "127.0.0.1", "foo", ""):
        with pytest.raises(ConfigError, match="no Dask scheduler answers there"):
            run_tasks(square_or_fail, [1], scheduler=address)


def test_errors_survive_the_way_from_a_worker() -> None:
    for error in (MissingExtraError("pyrender", "pyrender"), ScanError("a.wrl: is cut off")):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
        assert isinstance(again, FertoolsError)
        assert str(again) == str(error)
