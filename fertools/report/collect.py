"""Gather what a run folder holds: predictions, lock, settings, versions, stated results."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fertools.config import read_yaml
from fertools.errors import PredictionsError
from fertools.metrics import check_membership, read_tables
from fertools.protocols import list_protocols, load_protocol, read_lock

if TYPE_CHECKING:
    from fertools.metrics import NotFound, Predictions
    from fertools.protocols import Lock

__all__ = ["LOCK", "Run", "collect_run"]

LOCK = "protocol.lock.json"
_PREDICTIONS = "predictions.parquet"
_MAX_JSON_BYTES = 100_000_000


@dataclass(frozen=True)
class Run:
    """What a run folder holds.

    Attributes:
        folder: The run folder.
        label: What it is called: the folder's name, or that of a file with another name than
            ``predictions.parquet``.
        predictions: One table a fold, or one table by hand.
        lock: The locked protocol, if it is there.
        missing_folds: Folds of the lock without predictions.
        config: config.yaml, or nothing.
        environment: environment.json, or nothing.
        results: results.json, or nothing.
    """

    folder: Path
    label: str
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

    @property
    def not_found(self) -> NotFound:
        """What the protocol says of pictures without a face; errors where there is none."""
        return "excluded" if self.lock and self.lock.not_found == "excluded" else "error"

    @property
    def primary_metric(self) -> str | None:
        """What the lock compares first, or the protocol of that name; None where neither is."""
        if self.lock is not None:
            return self.lock.primary_metric
        name = self.predictions[0].info.protocol
        if name not in list_protocols():  # never a path that a received table names
            return None
        return load_protocol(name).primary_metric


def collect_run(path: Path) -> Run:
    """Read a run folder, a folder with predictions only, or one predictions table.

    Raises:
        PredictionsError: If there are no predictions, a table or JSON file is damaged, or the
            tables do not fit the run's lock.
        LockError: If the lock is damaged.
        ConfigError: If config.yaml is damaged.
    """
    predictions = read_tables(path)
    if path.is_file():
        label = path.parent.resolve().name if path.name == _PREDICTIONS else path.stem
        return Run(path.parent, label, predictions)
    lock_path, config_path = path / LOCK, path / "config.yaml"
    lock = read_lock(lock_path) if lock_path.is_file() else None
    return Run(
        path,
        path.resolve().name,
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
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise ValueError(f"larger than {_MAX_JSON_BYTES} bytes")
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PredictionsError(f"{path}: not whole JSON; evaluate again") from error
    if not isinstance(value, dict):
        raise PredictionsError(f"{path}: expected a JSON object; evaluate again")
    return value
