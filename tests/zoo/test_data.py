from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fertools.errors import DatasetError
from zoo.data import (
    SampleSet,
    change_images,
    decode_image,
    draw_changes,
    evaluation_batches,
    training_batches,
)
from zoo.recipe import Augmentation

STRONG = Augmentation(rotation_deg=20, shift=0.1, scale=0.1, flip=True, brightness=0.2)


def sample_set(pictures: Any, **options: Any) -> SampleSet:
    ids = pictures.lock.folds[0].train
    return SampleSet(pictures.pool, pictures.lock, ids, input_size=24, **options)


def epoch_of(samples: SampleSet, **options: Any) -> list[Any]:
    arguments: dict[str, Any] = {"batch_size": 32, "augmentation": STRONG, "seed": 1, "epoch": 0}
    return list(training_batches(samples, **{**arguments, **options}))


def test_an_epoch_has_every_sample_once(pictures: Any) -> None:
    rows = np.concatenate([batch.rows for batch in epoch_of(sample_set(pictures))])
    assert sorted(rows) == list(range(120))


def test_order_and_changes_depend_on_seed_and_epoch_alone(pictures: Any) -> None:
    in_memory, decoded = sample_set(pictures), sample_set(pictures, cache_gb=0.0)
    for one, other in zip(epoch_of(in_memory), epoch_of(decoded), strict=True):
        assert torch.equal(one.images, other.images)
    other_epoch = epoch_of(in_memory, epoch=1)[0].rows
    other_seed = epoch_of(in_memory, seed=2)[0].rows
    first = epoch_of(in_memory)[0].rows
    assert not np.array_equal(first, other_epoch)
    assert not np.array_equal(first, other_seed)


def test_a_samples_changes_do_not_depend_on_the_batch_size(pictures: Any) -> None:
    samples = sample_set(pictures)

    def by_row(batch_size: int) -> dict[int, torch.Tensor]:
        return {
            int(row): image
            for batch in epoch_of(samples, batch_size=batch_size)
            for row, image in zip(batch.rows, batch.images, strict=True)
        }

    small, large = by_row(7), by_row(60)
    assert all(torch.allclose(small[row], large[row], atol=1e-6) for row in range(len(samples)))


def test_labels_are_the_locks(pictures: Any) -> None:
    samples = sample_set(pictures)
    for batch in epoch_of(samples):
        for row, label in zip(batch.rows, batch.labels, strict=True):
            assert pictures.lock.labels[samples.sample_ids[row]] == label


def test_without_augmentation_a_picture_stays_as_it_is(pictures: Any) -> None:
    images = next(iter(evaluation_batches(sample_set(pictures), batch_size=8))).images
    none = Augmentation()
    changes = draw_changes(8, none, seed=0, epoch=0)
    assert torch.allclose(change_images(images, changes, none), images, atol=1e-5)


def test_a_mirrored_picture_is_its_mirror_image(pictures: Any) -> None:
    images = next(iter(evaluation_batches(sample_set(pictures), batch_size=2))).images
    changes = np.array([[0, 0, 0, 1, -1, 0, 1], [0, 0, 0, 1, 1, 0, 1]], float)
    changed = change_images(images, changes, Augmentation(flip=True))
    assert torch.allclose(changed[0], images[0].flip(-1), atol=1e-5)
    assert torch.allclose(changed[1], images[1], atol=1e-5)


def test_a_shift_to_the_right_moves_what_is_seen_to_the_right() -> None:
    images = torch.zeros(1, 3, 20, 20)
    images[..., 10, 5] = 1.0
    changes = np.array([[0, 0.25, 0, 1, 1, 0, 1]], float)
    assert change_images(images, changes, Augmentation())[0, 0, 10, 10] == pytest.approx(1.0)


def test_a_barred_flip_mirrors_nothing() -> None:
    changes = draw_changes(500, Augmentation(rotation_deg=5, flip=False), seed=0, epoch=0)
    assert (changes[:, 4] == 1.0).all()


def test_a_gray_picture_gets_three_channels(tmp_path: Any) -> None:
    import cv2

    data = cv2.imencode(".png", np.full((8, 8), 77, np.uint8))[1].tobytes()
    assert (decode_image(tmp_path, data, 8) == 77).all()


def test_colours_come_in_the_order_red_green_blue(tmp_path: Any) -> None:
    import cv2

    blue_first = np.zeros((8, 8, 3), np.uint8)
    blue_first[..., 2] = 200
    data = cv2.imencode(".png", blue_first)[1].tobytes()
    assert decode_image(tmp_path, data, 8)[:, 0, 0].tolist() == [200, 0, 0]


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_picture_is_named(own_pictures: Any, damage: str) -> None:
    name = own_pictures.lock.folds[0].train[3]
    path = own_pictures.manifest.root / "images" / f"{name}.png"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:50] if damage == "cut" else b"no picture")
    with pytest.raises(DatasetError, match=f"{name}.png: .*make the pictures"):
        sample_set(own_pictures)


def test_bytes_that_are_no_picture_are_refused(tmp_path: Any) -> None:
    with pytest.raises(DatasetError, match="is not a picture"):
        decode_image(tmp_path / "a.png", b"no picture", 8)
