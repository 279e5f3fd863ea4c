"""Gather what a run folder holds: predictions, lock, settings, versions, stated results."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fertools.config import read_yaml
from fertools.errors import PredictionsError
from fertools.metrics import check_membership, read_predictions
from fertools.protocols import read_lock

if TYPE_CHECKING:
    from fertools.metrics import Predictions
    from fertools.protocols import Lock

__all__ = ["Run", "collect_run"]


@dataclass(frozen=True)
class Run:
    """What a run folder holds.

    Attributes:
        folder: The run folder.
        predictions: One table a fold, or one table by hand.
        lock: The locked protocol, if it is there.
        missing_folds: Folds of the lock without predictions.
        config: config.yaml, or nothing.
        environment: environment.json, or nothing.
        results: results.json, or nothing.
    """

    folder: Path
    predictions: tuple[Predictions, ...]
    lock: Lock | None = None
    missing_folds: tuple[int, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)

    def fact(self, *names: str) -> Any:
        """The first of the dotted names that results, settings or environment know; else None."""
        for source in (self.results, self.config, self.environment):
            for name in names:
                value: Any = source
                for part in name.split("."):
                    value = value.get(part) if isinstance(value, dict) else None
                if value is not None:
                    return value
        return None


def collect_run(path: Path) -> Run:
    """Read a run folder, a folder with predictions only, or one predictions table.

    Raises:
        PredictionsError: If there are no predictions, a table or JSON file is damaged, or the
            tables do not fit the run's lock.
        LockError: If the lock is damaged.
        ConfigError: If config.yaml is damaged.
    """
    if path.is_file():
        return Run(path.parent, (read_predictions(path),))
    if not path.is_dir():
        raise PredictionsError(f"{path}: no such folder; expected a run folder of 'zoo evaluate'")
    paths = sorted(path.glob("fold*/predictions.parquet"), key=lambda p: (len(str(p)), p))
    if not paths and (path / "predictions.parquet").is_file():
        paths = [path / "predictions.parquet"]
    if not paths:
        raise PredictionsError(
            f"{path}: no predictions; expected fold*/predictions.parquet (zoo evaluate writes "
            "them) or predictions.parquet"
        )
    predictions = tuple(read_predictions(table) for table in paths)
    lock_path, config_path = path / "protocol.lock.json", path / "config.yaml"
    lock = read_lock(lock_path) if lock_path.is_file() else None
    return Run(
        path,
        predictions,
        lock,
        check_membership(predictions, lock) if lock is not None else (),
        read_yaml(config_path) if config_path.is_file() else {},
        _read_json(path / "environment.json"),
        _read_json(path / "results.json"),
    )


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or nothing where there is no file."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PredictionsError(f"{path}: not whole JSON; evaluate again") from error
    if not isinstance(value, dict):
        raise PredictionsError(f"{path}: expected a JSON object; evaluate again")
    return value
