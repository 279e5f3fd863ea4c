"""Options from YAML and the command line, checked by pydantic, with errors of one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from fertools.errors import ConfigError

__all__ = ["apply_sets", "build_config", "read_yaml"]

_Model = TypeVar("_Model", bound=BaseModel)
_MAX_YAML_BYTES = 1_000_000
_MERGE = "tag:yaml.org,2002:merge"  # the key <<
_NOT_YAML = (yaml.YAMLError, ValueError, RecursionError)  # impossible dates are ValueErrors


def read_yaml(path: Path, *, max_bytes: int = _MAX_YAML_BYTES) -> dict[str, Any]:
    """Read a YAML mapping; tags that would run code are refused.

    Args:
        path: The file.
        max_bytes: A larger one is refused unread.

    Raises:
        ConfigError: If the file is missing, too large, not UTF-8, not YAML, or no mapping.
    """
    try:
        if not path.is_file() and path.exists():
            raise ConfigError(f"{path}: is not a file; expected a YAML file")
        if path.stat().st_size > max_bytes:
            raise ConfigError(f"{path}: larger than {max_bytes} bytes; expected a short YAML")
        values = _parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error
    except _NOT_YAML as error:
        raise ConfigError(f"{path}: is not plain YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(values).__name__}")
    return values


def build_config(model: type[_Model], values: Mapping[str, Any], *, source: str) -> _Model:
    """Check values against a pydantic model.

    Args:
        model: The schema; it should forbid unknown keys.
        values: What the user wrote.
        source: Where he wrote it; stands first in the error.

    Raises:
        ConfigError: Naming the first wrong key and how many more there are.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        faults = error.errors()
        first = faults[0]
        key = ".".join(str(part) for part in first["loc"])
        is_about_all = first["type"] == "missing" or not key
        given = "" if is_about_all else f", got {_short(first['input'])}"
        said = first["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
        if first["type"] == "extra_forbidden":
            said = "unknown key"
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        where = f"{source}: {key!r}" if key else source
        raise ConfigError(f"{where}: {said}{given}{more}") from error


def apply_sets(values: Mapping[str, Any], sets: Sequence[str]) -> dict[str, Any]:
    """Lay ``a.b=c`` settings of the command line over nested values.

    The right side is read as YAML, so ``lr=0.1`` is a number and ``flip=false`` a truth value.

    Raises:
        ConfigError: If a setting has no ``=``, or goes below a value that is no mapping.

    Example:
        >>> apply_sets({"optimiser": {"lr": 0.1}}, ["optimiser.lr=0.01", "epochs=3"])
        {'optimiser': {'lr': 0.01}, 'epochs': 3}
    """
    result: dict[str, Any] = _copy(values)
    for setting in sets:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {setting!r}: expected KEY=VALUE, as in --set epochs=20")
        try:
            value = _parse(text)
        except _NOT_YAML as error:
            raise ConfigError(f"--set {setting!r}: {text!r} is not a YAML value") from error
        *parents, last = key.split(".")
        here = result
        for parent in parents:
            child = here.setdefault(parent, {})
            if not isinstance(child, dict):
                raise ConfigError(f"--set {setting!r}: {parent!r} is a value, it has no keys below")
            here = child
        here[last] = value
    return result


class _PlainLoader(yaml.SafeLoader):
    """PyYAML's safe loader without aliases, and with every key once.

    An alias can make a small file unfold without end; of a key that is there twice PyYAML takes
    the last, without a word.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse an alias; else as PyYAML does."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that is there twice; else as PyYAML does."""
        lines: dict[Any, int] = {}
        for key_node, _ in node.value if node.id == "mapping" else ():
            if not isinstance(key_node, yaml.ScalarNode):
                continue  # such keys PyYAML refuses
            is_merge = key_node.tag == _MERGE
            key = key_node.value if is_merge else self.construct_object(key_node)
            line = key_node.start_mark.line + 1
            if key in lines:
                raise yaml.YAMLError(
                    f"the key {_short(key)} is given twice, on line {lines[key]} and on line "
                    f"{line}; leave one of them out"
                )
            lines[key] = line
        return dict(super().construct_mapping(node, deep=deep))


def _short(value: Any) -> str:
    """A value as it is written, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _parse(text: str) -> Any:
    """YAML as plain values; raises one of ``_NOT_YAML``."""
    return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a child of the safe loader


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    """Copy nested mappings so that the caller's stay as they are."""
    return {k: _copy(v) if isinstance(v, Mapping) else v for k, v in values.items()}
