from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fertools.errors import ConfigError, ModelError
from zoo import training
from zoo.checkpoints import load_weights, read_weights_info
from zoo.models import create_model
from zoo.recipe import ScheduleOptions
from zoo.runs import RunConfig, expected_weights, read_fold_record
from zoo.training import learning_rate_share, train_run


def train(run_dir: Path, config: RunConfig, pictures: Any, folds: tuple[int, ...] = (0,)) -> Any:
    return train_run(run_dir, config, pool=pictures.pool, lock=pictures.lock, folds=folds)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole") / "run"


@pytest.fixture
def trained(whole: Path, quick_config: RunConfig, pictures: Any) -> Path:
    train(whole, quick_config, pictures)
    return whole


def weights(run_dir: Path) -> bytes:
    return (run_dir / "fold0" / "model.safetensors").read_bytes()


def test_training_learns_what_can_be_learned(trained: Path) -> None:
    rows = [json.loads(line) for line in (trained / "fold0/log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert rows[-1]["loss"] < rows[0]["loss"]
    for row in rows:  # Eq. 6 with alpha 0.6
        mixed = 0.6 * row["loss_local"] + 0.4 * row["loss_global"]
        assert row["loss"] == pytest.approx(mixed, rel=1e-5)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    trained: Path, tmp_path: Path, quick_config: RunConfig, pictures: Any
) -> None:
    train(tmp_path / "same", quick_config, pictures)
    assert weights(tmp_path / "same") == weights(trained)
    train(tmp_path / "other", replace(quick_config, seed=1), pictures)
    assert weights(tmp_path / "other") != weights(trained)


@pytest.mark.parametrize("killed_after", [1, 2])
def test_a_killed_training_goes_on_to_the_same_weights(
    trained: Path,
    tmp_path: Path,
    quick_config: RunConfig,
    pictures: Any,
    monkeypatch: pytest.MonkeyPatch,
    killed_after: int,
) -> None:
    real = training._train_epoch

    def killed(state: Any, *arguments: Any) -> None:
        if state.epoch == killed_after:
            raise KeyboardInterrupt
        real(state, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training, "_train_epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "run", quick_config, pictures)
    assert read_fold_record(tmp_path / "run", 0) is None
    train(tmp_path / "run", quick_config, pictures)
    assert weights(tmp_path / "run") == weights(trained)


def test_a_finished_fold_is_not_trained_again(
    trained: Path, quick_config: RunConfig, pictures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_train_epoch", None)
    (record,) = train(trained, quick_config, pictures)
    assert record.epochs == 3


def test_other_settings_in_the_same_folder_are_refused(
    trained: Path, quick_config: RunConfig, pictures: Any
) -> None:
    other = replace(quick_config, recipe=quick_config.recipe.model_copy(update={"epochs": 4}))
    with pytest.raises(ConfigError, match=r"recipe\.epochs is 3 there and 4 now.*--name"):
        train(trained, other, pictures)


def test_a_fold_that_does_not_exist_is_refused(
    tmp_path: Path, quick_config: RunConfig, pictures: Any
) -> None:
    with pytest.raises(ConfigError, match="fold 5 does not exist"):
        train(tmp_path, quick_config, pictures, folds=(5,))


def test_weights_say_what_they_are(trained: Path, quick_config: RunConfig, pictures: Any) -> None:
    path = trained / "fold0" / "model.safetensors"
    info = read_weights_info(path)
    assert info == expected_weights(quick_config, pictures.lock, 0)
    assert (info.synthetic, info.pretrained, info.epoch) == (True, False, 3)
    load_weights(path, create_model("gms_lpa_tiny", num_classes=6), expected=info)


def test_weights_of_another_class_count_are_refused(trained: Path) -> None:
    model = create_model("gms_lpa_tiny", num_classes=7)
    with pytest.raises(ModelError, match=r"with 6 classes do not fit.*heads"):
        load_weights(trained / "fold0" / "model.safetensors", model)


@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", pickle.dumps({"a": 1}), b"x" * 5000])
def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"is not a whole safetensors file"):
        load_weights(path, create_model("gms_lpa_tiny", num_classes=6))


def test_weights_changed_after_training_are_noticed(
    tmp_path: Path, quick_config: RunConfig, pictures: Any
) -> None:
    quick = replace(quick_config, recipe=quick_config.recipe.model_copy(update={"epochs": 1}))
    train(tmp_path, quick, pictures)
    path = tmp_path / "fold0" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ModelError, match="cut short or changed since training"):
        train(tmp_path, quick, pictures)


@pytest.mark.parametrize("content", [b"", b"no state", pickle.dumps(print, protocol=2)])
def test_a_damaged_state_is_one_clear_error(
    tmp_path: Path, quick_config: RunConfig, pictures: Any, content: bytes
) -> None:
    (tmp_path / "fold0").mkdir()
    (tmp_path / "fold0" / "state.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"state\.pt: is not a whole training state; delete"):
        train(tmp_path, quick_config, pictures)


def test_a_state_that_would_run_code_is_not_unpickled(
    tmp_path: Path, quick_config: RunConfig, pictures: Any
) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "ran").touch, ())

    (tmp_path / "fold0").mkdir()
    torch.save({"model": Evil()}, tmp_path / "fold0" / "state.pt")
    with pytest.raises(ModelError, match="is not a whole training state"):
        train(tmp_path, quick_config, pictures)
    assert not (tmp_path / "ran").exists()


def test_plain_resnets_train_by_the_same_code(
    tmp_path: Path, quick_config: RunConfig, pictures: Any
) -> None:
    recipe = quick_config.recipe.model_copy(update={"epochs": 1})
    config = replace(quick_config, model="resnet18", recipe=recipe)
    (record,) = train(tmp_path, config, pictures)
    assert record.num_train == 120


def test_schedules_begin_and_end_where_they_say() -> None:
    cosine = ScheduleOptions(name="cosine", warmup_epochs=2)
    assert learning_rate_share(0.0, 10, cosine) < 0.01
    assert learning_rate_share(2.0, 10, cosine) == pytest.approx(1.0)
    assert learning_rate_share(6.0, 10, cosine) == pytest.approx(0.5)
    assert learning_rate_share(10.0, 10, cosine) == pytest.approx(0.0, abs=1e-12)
    step = ScheduleOptions(name="step", milestones=(0.5, 0.75), factor=0.1)
    shares = [learning_rate_share(at, 100, step) for at in (0, 49.9, 50, 75, 99)]
    assert shares == pytest.approx([1, 1, 0.1, 0.01, 0.01])


def test_a_flipped_byte_in_a_state_is_noticed(
    tmp_path: Path, quick_config: RunConfig, pictures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_weights", None)
        with pytest.raises(TypeError):
            train(tmp_path, quick_config, pictures)
    path = tmp_path / "fold0" / "state.pt"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="is not a whole training state"):
        train(tmp_path, quick_config, pictures)


def test_a_model_that_cannot_be_made_leaves_no_run_behind(
    tmp_path: Path, quick_config: RunConfig, pictures: Any
) -> None:
    recipe = quick_config.recipe.model_copy(update={"model": {"nope": 1}})
    with pytest.raises(ModelError, match="does not take the arguments"):
        train(tmp_path / "run", replace(quick_config, recipe=recipe), pictures)
    assert not (tmp_path / "run").exists()
