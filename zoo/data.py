"""Pictures of a fold's side: decoded once, batched in an order that seed and epoch decide."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fertools.errors import DatasetError
from fertools.jobs import progress
from fertools.protocols import Lock, Pool
from zoo.recipe import Augmentation

_ORDER, _CHANGES = 1, 2  # streams of random numbers that must not meet


@dataclass(frozen=True)
class Batch:
    """Some samples as tensors.

    Attributes:
        rows: Rows of the samples in their :class:`SampleSet`, ``(N,)``.
        images: Shape ``(N, 3, S, S)``, float32, 0 to 1, RGB.
        labels: Class indices, ``(N,)``, int64.
    """

    rows: NDArray[np.int64]
    images: Tensor
    labels: Tensor


class SampleSet:
    """The pictures and labels of some samples.

    Args:
        pool: Says where a picture is and what its bytes' SHA-256 must be.
        lock: Says the labels.
        sample_ids: Which samples, in which order.
        input_size: Side in pixels that pictures are resized to.
        cache_gb: Decoded pictures up to this many GB are kept in memory.
    """

    def __init__(
        self,
        pool: Pool,
        lock: Lock,
        sample_ids: Sequence[str],
        *,
        input_size: int,
        cache_gb: float = 4.0,
    ) -> None:
        self.sample_ids = tuple(sample_ids)
        self.labels = torch.tensor([lock.labels[name] for name in sample_ids], dtype=torch.int64)
        self.input_size = input_size
        self._files = pool.files(sample_ids)
        self._digests = [str(d) for d in pool.frame.loc[list(sample_ids), "sha256"]]
        self._cache: Tensor | None = None
        if len(self._files) * 3 * input_size**2 <= cache_gb * 1e9:
            with progress("reading pictures", len(self._files), "pictures") as advance:
                self._cache = torch.empty(
                    (len(self._files), 3, input_size, input_size), dtype=torch.uint8
                )
                for row in range(len(self._files)):
                    self._cache[row] = self._read(row)
                    advance()

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.sample_ids)

    def fetch(self, rows: NDArray[np.int64]) -> Batch:
        """Get samples by row.

        Raises:
            DatasetError: If a picture is missing, damaged or another than the manifest's.
        """
        if self._cache is not None:
            pixels = self._cache[torch.from_numpy(rows)]
        else:
            pixels = torch.stack([self._read(int(row)) for row in rows])
        return Batch(rows, pixels.float().div_(255.0), self.labels[torch.from_numpy(rows)])

    def _read(self, row: int) -> Tensor:
        """Decode one picture to ``(3, S, S)`` uint8."""
        path = self._files[row]
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DatasetError(f"{path}: {error.strerror}; {_REMEDY}") from error
        if hashlib.sha256(data).hexdigest() != self._digests[row]:
            raise DatasetError(
                f"{path}: {len(data)} bytes that are not those of the manifest (SHA-256 differs: "
                f"cut short or changed); {_REMEDY}"
            )
        return torch.from_numpy(decode_image(path, data, self.input_size))


_REMEDY = "make the pictures and their manifest again (for BU-3DFE: 'fertools render-bu3dfe')"


def decode_image(path: Path, data: bytes, input_size: int) -> NDArray[np.uint8]:
    """Decode a picture and bring it to a square.

    Args:
        path: Named in errors.
        data: The file's bytes; gray pictures are repeated to three channels.
        input_size: Side in pixels; shrinking averages, growing interpolates linearly.

    Returns:
        RGB pixels ``(3, input_size, input_size)``.

    Raises:
        DatasetError: If the bytes are no picture.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise DatasetError(f"{path}: is not a picture that can be decoded; {_REMEDY}") from error
    if pixels is None:
        raise DatasetError(f"{path}: is not a picture that can be decoded; {_REMEDY}")
    height, width = pixels.shape[:2]
    if (height, width) != (input_size, input_size):
        shrinks = height > input_size and width > input_size
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, (input_size, input_size), interpolation=method)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.uint8)


def training_batches(
    samples: SampleSet,
    *,
    batch_size: int,
    augmentation: Augmentation,
    seed: int,
    epoch: int,
) -> Iterator[Batch]:
    """One epoch in random order, changed at random.

    Order and changes depend on ``seed`` and ``epoch`` alone: a sample's changes do not depend on
    the batch it falls into. The epoch is cut into batches whose sizes differ by one at most, so no
    batch is too small for batch normalisation and no sample is left out.
    """
    order = np.random.default_rng([seed, epoch, _ORDER]).permutation(len(samples))
    changes = draw_changes(len(samples), augmentation, seed=seed, epoch=epoch)
    num_batches = -(-len(samples) // batch_size)
    for rows in np.array_split(order.astype(np.int64), num_batches):
        batch = samples.fetch(rows)
        images = change_images(batch.images, changes[rows], augmentation)
        yield Batch(rows, images, batch.labels)


def evaluation_batches(samples: SampleSet, *, batch_size: int) -> Iterator[Batch]:
    """All samples in their order, unchanged."""
    for start in range(0, len(samples), batch_size):
        stop = min(start + batch_size, len(samples))
        yield samples.fetch(np.arange(start, stop, dtype=np.int64))


def draw_changes(
    num_samples: int, augmentation: Augmentation, *, seed: int, epoch: int
) -> NDArray[np.float64]:
    """Draw how each sample is changed in an epoch.

    Returns:
        Shape ``(N, 7)``: rotation in degrees, shift right and down as shares of the side, size
        (1: as it is), mirrored (-1) or not (1), added brightness, contrast (1: as it is).
    """
    draws = np.random.default_rng([seed, epoch, _CHANGES]).uniform(-1.0, 1.0, (num_samples, 7))
    mirrored = (draws[:, 4] < 0) & augmentation.flip
    return np.column_stack(
        [
            draws[:, 0] * augmentation.rotation_deg,
            draws[:, 1] * augmentation.shift,
            draws[:, 2] * augmentation.shift,
            1.0 + draws[:, 3] * augmentation.scale,
            np.where(mirrored, -1.0, 1.0),
            draws[:, 5] * augmentation.brightness,
            1.0 + draws[:, 6] * augmentation.contrast,
        ]
    )


def change_images(
    images: Tensor, changes: NDArray[np.float64], augmentation: Augmentation
) -> Tensor:
    """Apply drawn changes to a batch, all samples at once.

    Args:
        images: Shape ``(N, 3, S, S)``, 0 to 1.
        changes: Shape ``(N, 7)`` as of :func:`draw_changes`.
        augmentation: Says what comes in at the border.

    Returns:
        Pictures of the same shape, 0 to 1.
    """
    turn, right, down, size, mirror, brightness, contrast = changes.T
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    # grid_sample asks where each output position comes from: the inverse of shift, scale, turn,
    # mirror, in coordinates from -1 to 1 (so a share of the side counts twice).
    matrix = np.empty((len(changes), 2, 3))
    matrix[:, 0] = np.column_stack([cos, sin, -2 * (cos * right + sin * down)])
    matrix[:, 1] = np.column_stack([-sin, cos, -2 * (-sin * right + cos * down)])
    matrix /= size[:, None, None]
    matrix[:, 0] *= mirror[:, None]
    theta = torch.from_numpy(matrix.astype(np.float32))
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    moved = functional.grid_sample(
        images, grid, mode="bilinear", padding_mode=augmentation.fill, align_corners=False
    )
    if augmentation.brightness or augmentation.contrast:
        gain = torch.from_numpy(contrast.astype(np.float32))[:, None, None, None]
        offset = torch.from_numpy(brightness.astype(np.float32))[:, None, None, None]
        mean = moved.mean(dim=(1, 2, 3), keepdim=True)
        moved = ((moved - mean) * gain + mean + offset).clamp_(0.0, 1.0)
    return moved
