"""Every registered data set, in every layout that there is a fake of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dataset_fakes import FAKES

from fertools.errors import ConfigError, DatasetError
from fertools.expressions import EXPRESSIONS
from fertools.formats.registry import (
    Fault,
    Sample,
    get_dataset,
    list_datasets,
    register_dataset,
)


def test_every_data_set_has_a_fake() -> None:
    assert {name for name, _ in FAKES.values()} == set(list_datasets())


@pytest.mark.parametrize("layout", FAKES)
class TestEveryLayout:
    def test_reads_the_fake_folder(self, layout: str, tmp_path: Path) -> None:
        name, make = FAKES[layout]
        count = make(tmp_path)
        dataset = get_dataset(name)
        opened = dataset.open(tmp_path, dataset.options())
        rows = list(opened.rows)
        samples = [row for row in rows if isinstance(row, Sample)]
        assert not [str(row) for row in rows if isinstance(row, Fault)]
        assert len(samples) == len({s.image for s in samples}) == count
        assert len({s.sample_id for s in samples}) == count
        assert {s.expression for s in samples} <= set(dataset.expressions) <= set(EXPRESSIONS)
        assert all((opened.base / s.image).is_file() for s in samples)
        assert len({tuple(s.extra) for s in samples}) == 1
        assert opened.layout

    def test_no_sample_names_the_machine(self, layout: str, tmp_path: Path) -> None:
        name, make = FAKES[layout]
        make(tmp_path)
        dataset = get_dataset(name)
        opened = dataset.open(tmp_path, dataset.options())
        assert str(tmp_path) not in opened.layout
        assert not any(str(tmp_path) in str(row) for row in opened.rows)

    def test_the_folder_above_is_read_alike(self, layout: str, tmp_path: Path) -> None:
        name, make = FAKES[layout]
        count = make(tmp_path / "inner")
        dataset = get_dataset(name)
        opened = dataset.open(tmp_path, dataset.options())
        assert sum(isinstance(row, Sample) for row in opened.rows) == count


@pytest.mark.parametrize("name", list_datasets())
class TestEveryDataset:
    def test_names_the_folder_that_is_something_else(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "holiday").mkdir()
        (tmp_path / "holiday/beach.jpg").write_bytes(b"no picture")
        dataset = get_dataset(name)
        with pytest.raises(DatasetError, match=re.escape(str(tmp_path)) + ".*expected|give"):
            list(dataset.open(tmp_path, dataset.options()).rows)

    def test_counts_are_about_columns_and_values_that_exist(self, name: str) -> None:
        dataset = get_dataset(name)
        for count in dataset.counts(dataset.options()):
            assert set(count.where) <= {"split", "expression"}
            assert set(count.where.get("expression", ())) <= set(dataset.expressions)
            assert count.accepted
            assert count.source


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown data set 'rafd'; expected one of .*rafdb"):
        get_dataset("rafd")


def test_two_data_sets_cannot_have_one_name() -> None:
    dataset = get_dataset("rafdb")
    with pytest.raises(ValueError, match="two data sets are called 'rafdb'"):
        register_dataset(
            name="rafdb",
            title="",
            reference="",
            licence="",
            expressions=(),
            options=dataset.options,
            counts=dataset.counts,
        )(dataset.open)
