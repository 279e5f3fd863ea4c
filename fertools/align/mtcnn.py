"""Faces and their five points by MTCNN, many pictures at a time.

The three networks and their weights are facenet-pytorch's, and so is the arithmetic: the same
pictures give the same boxes. What is around the networks is written anew. All shrinking is done
from one table of sums a picture; the levels of pictures of about one size go through the first
network together, and the candidates of all pictures through the other two. This is the only module
of the package that loads torch.

Boxes count inside as the networks were trained: first and last pixel, from 1.

Reference:
    Zhang, Zhang, Li and Qiao, "Joint face detection and alignment using multitask cascaded
    convolutional networks", IEEE Signal Processing Letters 23(10), 2016.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fertools.align.pooling import AreaSums
from fertools.errors import MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Face", "Mtcnn", "load_mtcnn", "mtcnn_version"]

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]

_CELL, _STRIDE = 12, 2  # what the first network sees at once, and how far it steps
_SIDE_2, _SIDE_3 = 24, 48  # inputs of the second and the third
_FACTOR = 0.709  # from level to level: half the area
_OVERLAP_LEVEL, _OVERLAP = 0.5, 0.7
_BUCKET = 8  # levels are filled up to multiples of it, so that more of them are equal
_AT_ONCE = 512  # candidates
_LEVEL_PIXELS = 400_000  # of a batch


@dataclass(frozen=True)
class Face:
    """A face that was found.

    Attributes:
        box: ``(x0, y0, x1, y1)`` in pixels, right and bottom exclusive; it may reach out of the
            picture.
        prob: What the last network says, in [0, 1].
        points: Shape ``(5, 2)``, pixels: the eye at the picture's left, the one at
            its right, nose, mouth corner at the left, at the right.
    """

    box: tuple[float, float, float, float]
    prob: float
    points: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Level:
    """One level of one picture's pyramid.

    Attributes:
        index: Of the picture.
        number: Of the level.
        pixels: Shape ``(h, w, 3)``, 0 to 255.
        scale: Its pixels a pixel of the picture.
    """

    index: int
    number: int
    pixels: FloatArray
    scale: float


@dataclass(frozen=True)
class _Candidates:
    """Boxes in which a face is thought to be.

    Attributes:
        owners: Shape ``(N,)``: index of the picture.
        boxes: Shape ``(N, 4)``, as this module counts.
        probs: Shape ``(N,)``.
    """

    owners: IntArray
    boxes: FloatArray
    probs: FloatArray

    def take(self, which: IntArray | npt.NDArray[np.bool_]) -> _Candidates:
        """Some of them."""
        return _Candidates(self.owners[which], self.boxes[which], self.probs[which])


class Mtcnn:
    """The detector.

    Args:
        thresholds: Least probability after each of the three networks.
    """

    def __init__(self, thresholds: tuple[float, float, float]) -> None:
        import torch
        from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

        self._thresholds = thresholds
        nets: list[nn.Module] = []
        for kind, name in ((PNet, "pnet"), (RNet, "rnet"), (ONet, "onet")):
            net = kind(pretrained=False)
            net.load_state_dict(torch.load(_weights(name), map_location="cpu", weights_only=True))
            net.requires_grad_(False)
            nets.append(net.to(memory_format=torch.channels_last).eval())
        self._pnet, self._rnet, self._onet = nets

    def detect(self, pictures: Sequence[Pixels], min_sizes: Sequence[float]) -> list[list[Face]]:
        """All faces of some pictures.

        Args:
            pictures: RGB, shape ``(H, W, 3)`` each, of any sizes; many of one size are fastest.
            min_sizes: The smallest face that is looked for in each, in pixels.

        Returns:
            The faces of each picture, the most probable first. One thread does it: who has more
            processors starts more processes, and the last digits stay the same.
        """
        import torch

        sums = [AreaSums(pixels) for pixels in pictures]
        with _one_thread(), torch.inference_mode():
            return self._finish(sums, self._refine(sums, self._propose(sums, min_sizes)))

    def _propose(self, pictures: Sequence[AreaSums], min_sizes: Sequence[float]) -> _Candidates:
        """First network, over the pyramids."""
        buckets: dict[tuple[int, int], list[_Level]] = defaultdict(list)
        for index, (picture, min_size) in enumerate(zip(pictures, min_sizes, strict=True)):
            for level in _pyramid(index, picture, min_size):
                height, width = level.pixels.shape[:2]
                buckets[-(-height // _BUCKET) * _BUCKET, -(-width // _BUCKET) * _BUCKET].append(
                    level
                )
        parts: list[tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]] = []
        for size, levels in buckets.items():
            at_once = max(1, _LEVEL_PIXELS // (size[0] * size[1]))
            for start in range(0, len(levels), at_once):
                parts += self._look(levels[start : start + at_once], size)
        if not parts:
            return _Candidates(np.zeros(0, np.int64), _no_boxes(), np.zeros(0, np.float32))
        columns = zip(*parts, strict=True)
        owners, numbers, boxes, shifts, probs = (np.concatenate(part) for part in columns)
        kept = _suppress(boxes, probs, owners * 64 + numbers, _OVERLAP_LEVEL)
        owners, boxes, shifts, probs = owners[kept], boxes[kept], shifts[kept], probs[kept]
        kept = _suppress(boxes, probs, owners, _OVERLAP)
        boxes = _shift(boxes[kept], shifts[kept], extra=0)
        return _Candidates(owners[kept], _square(boxes), probs[kept])

    def _look(
        self, levels: Sequence[_Level], size: tuple[int, int]
    ) -> list[tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]]:
        """Owners, level numbers, boxes, shifts and probabilities of the likely cells."""
        canvas = np.full((len(levels), *size, 3), 127.5, np.float32)
        for page, level in zip(canvas, levels, strict=True):
            page[: level.pixels.shape[0], : level.pixels.shape[1]] = level.pixels
        shifts, probs = (part.numpy() for part in self._pnet(_to_tensor(canvas)))
        parts = []
        for level, shift, prob in zip(levels, shifts, probs[:, 1], strict=True):
            rows, columns = (_num_cells(side) for side in level.pixels.shape[:2])
            ys, xs = np.nonzero(prob[:rows, :columns] >= self._thresholds[0])
            if not len(ys):
                continue
            corner = np.stack([xs, ys], axis=1) * _STRIDE
            boxes = np.floor(np.concatenate([corner + 1, corner + _CELL], axis=1) / level.scale)
            parts.append(
                (
                    np.full(len(ys), level.index),
                    np.full(len(ys), level.number),
                    boxes.astype(np.float32),
                    shift[:, ys, xs].T,
                    prob[ys, xs],
                )
            )
        return parts

    def _refine(self, pictures: Sequence[AreaSums], found: _Candidates) -> _Candidates:
        """Second network, over the candidates of all pictures."""
        if not len(found.owners):
            return found
        shifts, probs = _run(self._rnet, _cut(pictures, found, _SIDE_2))
        likely = probs[:, 1] > self._thresholds[1]
        found = _Candidates(found.owners[likely], found.boxes[likely], probs[likely, 1])
        kept = _suppress(found.boxes, found.probs, found.owners, _OVERLAP)
        found = found.take(kept)
        boxes = _square(_shift(found.boxes, shifts[likely][kept]))
        return _Candidates(found.owners, boxes, found.probs)

    def _finish(self, pictures: Sequence[AreaSums], found: _Candidates) -> list[list[Face]]:
        """Third network, with the five points."""
        faces: list[list[Face]] = [[] for _ in pictures]
        if not len(found.owners):
            return faces
        shifts, places, probs = _run(self._onet, _cut(pictures, found, _SIDE_3))
        likely = probs[:, 1] > self._thresholds[2]
        owners, boxes, probs = found.owners[likely], found.boxes[likely], probs[likely, 1]
        corner = boxes[:, None, :2] - 1
        side = boxes[:, None, 2:] - corner
        points = corner + side * places[likely].reshape(-1, 2, 5).swapaxes(1, 2)
        boxes = _shift(boxes, shifts[likely])
        for index in np.unique(owners):
            mine = np.flatnonzero(owners == index)
            for pick in mine[_suppress_inner(boxes[mine], probs[mine])]:
                x0, y0, x1, y1 = (float(value) for value in boxes[pick] - [1, 1, 0, 0])
                face = Face((x0, y0, x1, y1), float(probs[pick]), points[pick].astype(np.float64))
                faces[index].append(face)
        return faces


@lru_cache(maxsize=2)
def load_mtcnn(thresholds: tuple[float, float, float]) -> Mtcnn:
    """A detector; loaded once a process.

    Raises:
        MissingExtraError: If torch or facenet-pytorch is not installed.
    """
    _check_installed()
    return Mtcnn(thresholds)


def mtcnn_version() -> str:
    """The package, its version, and a digest of the three files of weights.

    Raises:
        MissingExtraError: If torch or facenet-pytorch is not installed.
    """
    _check_installed()
    sha = hashlib.sha256()
    for name in ("pnet", "rnet", "onet"):
        sha.update(_weights(name).read_bytes())
    return f"facenet-pytorch {metadata.version('facenet-pytorch')}, weights {sha.hexdigest()[:12]}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch on one thread, and afterwards on as many as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _check_installed() -> None:
    """Raise where a package of the extra is missing."""
    for package in ("torch", "torchvision", "facenet_pytorch"):
        if find_spec(package) is None:
            raise MissingExtraError(package, "zoo")


def _weights(name: str) -> Path:
    """The file of one network's weights, found without importing the package."""
    spec = find_spec("facenet_pytorch")
    if spec is None or spec.origin is None:
        raise MissingExtraError("facenet_pytorch", "zoo")
    return Path(spec.origin).parent / "data" / f"{name}.pt"


def _pyramid(index: int, picture: AreaSums, min_size: float) -> list[_Level]:
    """The levels of a picture, each a half of the area of the one before."""
    scale = _CELL / min_size
    shorter = min(picture.height, picture.width) * scale
    levels: list[_Level] = []
    while shorter >= _CELL:
        size = (int(picture.height * scale + 1), int(picture.width * scale + 1))
        levels.append(_Level(index, len(levels), picture.resize(*size), scale))
        scale *= _FACTOR
        shorter *= _FACTOR
    return levels


def _cut(pictures: Sequence[AreaSums], found: _Candidates, side: int) -> FloatArray:
    """The candidates' pixels, shape ``(N, side, side, 3)``, in their order."""
    cuts = np.zeros((len(found.owners), side, side, 3), np.float32)
    boxes = np.trunc(found.boxes).astype(np.int64) - [1, 1, 0, 0]
    for index in np.unique(found.owners):
        mine = found.owners == index
        cuts[mine] = pictures[index].cut(boxes[mine], side)
    return cuts


def _run(net: nn.Module, cuts: FloatArray) -> list[FloatArray]:
    """Outputs of a network, a part of the candidates at a time."""
    parts = [
        [part.numpy() for part in net(_to_tensor(cuts[start : start + _AT_ONCE]))]
        for start in range(0, len(cuts), _AT_ONCE)
    ]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _to_tensor(pixels: FloatArray) -> Tensor:
    """Pixels ``(N, H, W, 3)`` as the networks want them: ``(N, 3, H, W)``, -1 to 1."""
    import torch

    return torch.from_numpy((pixels - 127.5) * 0.0078125).permute(0, 3, 1, 2)


def _num_cells(side: int) -> int:
    """Rows or columns of the first network's output over so many pixels."""
    return max(0, -(-(side - 2) // 2) - 4)


def _shift(boxes: FloatArray, shifts: FloatArray, *, extra: int = 1) -> FloatArray:
    """Move the edges by fractions of width and height."""
    size = boxes[:, 2:] - boxes[:, :2] + extra
    return np.asarray(boxes + shifts * np.concatenate([size, size], axis=1), dtype=np.float32)


def _square(boxes: FloatArray) -> FloatArray:
    """Squares of the longer side about the same middles."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def _no_boxes() -> FloatArray:
    """No box at all."""
    return np.zeros((0, 4), np.float32)


def _suppress(boxes: FloatArray, probs: FloatArray, groups: IntArray, overlap: float) -> IntArray:
    """Which boxes stay when those go that overlap a better one of their group."""
    import torch
    from torchvision.ops import batched_nms

    arrays: list[Any] = [boxes, probs, groups]
    tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
    return np.asarray(batched_nms(*tensors, overlap).numpy(), dtype=np.int64)


def _suppress_inner(boxes: FloatArray, probs: FloatArray) -> list[int]:
    """Which boxes stay when those go that lie mostly inside a better one, or around it."""
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    kept: list[int] = []
    for pick in np.argsort(-probs, kind="stable").tolist():
        low = np.maximum(boxes[kept, :2], boxes[pick, :2])
        high = np.minimum(boxes[kept, 2:], boxes[pick, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        if (shared <= _OVERLAP * np.minimum(area[kept], area[pick])).all():
            kept.append(pick)
    return kept
