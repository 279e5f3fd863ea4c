from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from fertools.config import apply_sets, build_config, read_yaml
from fertools.errors import ConfigError


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid")
    epochs: int


def test_a_tag_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.yaml"
    path.write_text("epochs: !!python/object/apply:os.system ['true']")
    with pytest.raises(ConfigError, match="is not plain YAML"):
        read_yaml(path)


def test_a_list_is_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n- 2\n")
    with pytest.raises(ConfigError, match="found list"):
        read_yaml(path)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("epochs: 3\nlr: 1\nepochs: 4\n", r"'epochs' is given twice, on line 1 and on line 3"),
        ("a:\n  b: {c: 1, 'c': 2}\n", r"the key 'c' is given twice, on line 2 and on line 2"),
        ("a: [{16: 1,\n 0x10: 2}]\n", r"the key 16 is given twice"),
    ],
)
def test_a_key_that_is_there_twice_is_refused_with_file_and_line(
    tmp_path: Path, text: str, match: str
) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"twice\.yaml: .*{match}"):
        read_yaml(path)


def test_one_key_may_stand_in_two_mappings(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("a: {x: 1, y: 2}\nb: {x: 1, <<: {y: 3}}\n")
    assert read_yaml(path) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        read_yaml(tmp_path / "none.yaml")


def test_an_unknown_key_is_named_with_its_file() -> None:
    with pytest.raises(ConfigError, match=r"recipe\.yaml: 'epochs': .*'many' \(and 1 more\)"):
        build_config(Sample, {"epoch": 3, "epochs": "many"}, source="recipe.yaml")


def test_a_setting_without_equals_sign_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected KEY=VALUE"):
        apply_sets({}, ["epochs"])


def test_a_setting_below_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="'epochs' is a value"):
        apply_sets({"epochs": 3}, ["epochs.first=1"])


@pytest.mark.parametrize(
    "text",
    [
        "epochs: 2001-13-01",
        "epochs: 0x_",
        "a: &a [x]\nb: [*a, *a]",
        "a: &a [*a]",
        "epochs: " + "[" * 5000,
    ],
)
def test_yaml_that_is_not_plain_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="is not plain YAML"):
        read_yaml(path)
    with pytest.raises(ConfigError, match="is not a YAML value"):
        apply_sets({}, [f"a={text.removeprefix('epochs: ')}"])
