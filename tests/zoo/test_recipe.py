from __future__ import annotations

from pathlib import Path

import pytest

from fertools.errors import ConfigError
from zoo.recipe import list_recipes, load_recipe


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_is_read(name: str) -> None:
    assert load_recipe(name).name == name


def test_the_literal_recipe_has_the_printed_values() -> None:
    recipe = load_recipe("paper-literal")
    assert (recipe.optimizer.lr, recipe.optimizer.momentum) == (0.1, 0.9)
    assert (recipe.optimizer.weight_decay, recipe.batch_size, recipe.alpha) == (0.001, 128, 0.6)


@pytest.mark.parametrize(
    ("setting", "match"),
    [
        ("epoch=3", "'epoch': unknown key"),
        ("alpha=1.5", "'alpha': .*less than or equal to 1"),
        ("optimizer.lr=.nan", "'optimizer.lr': .*finite"),
        ("epochs=many", "'epochs'"),
        ("data.augmentation.turn=3", "'data.augmentation.turn'"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        load_recipe("demo", sets=[setting])


def test_an_unknown_recipe_offers_the_near_one() -> None:
    with pytest.raises(ConfigError, match="did you mean paper-literal"):
        load_recipe("paper-literally")


def test_a_recipe_of_ones_own_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ndescription: ''\noptimizer: {lr: 1}\nepochs: 2\nbatch_size: 4\n")
    assert load_recipe(str(path)).epochs == 2
    path.rename(tmp_path / "yours.yaml")
    with pytest.raises(ConfigError, match="expected the file's own 'yours'"):
        load_recipe(str(tmp_path / "yours.yaml"))
