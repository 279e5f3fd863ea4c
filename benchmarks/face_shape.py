"""The three-dimensional landmarks that head poses are fitted with, made again from stand-in heads.

Draws people with expressions, brings them to one size about the middle of the head, takes mean and
principal modes, and compares with the file of the package: how far points differ from it, and what
the modes leave of people that are not in them. ``--write`` writes the package's file. Synthetic.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import fertools.pose
from fertools.geometry import FloatArray
from fertools.jobs import write_text
from fertools.pose.face_shape import FaceShape, face_shape, face_shape_digest
from fertools.synth.expressions import EMOTION_CODES, OTHER_EXPRESSIONS
from fertools.synth.ibug import IBUG_MIRROR, ibug68_vertices
from fertools.synth.moods import OTHER_MOODS, express
from fertools.synth.portrait import HEAD_CENTRE
from fertools.synth.sitting import Studio, invite, mesh_points, open_studio, take_shot

PATH = Path(fertools.pose.__file__).parent / "data" / "face_shape.json"
MOODS = (*EMOTION_CODES, *OTHER_MOODS, *OTHER_EXPRESSIONS)
PEOPLE, EXPRESSIONS, MODES = 800, 6, 12
LEARNT, HELD_OUT = 900, 902  # second number of the seeds
MIRROR = np.array([-1.0, 1.0, 1.0])


def heads(studio: Studio, people: int, *, tag: int) -> FloatArray:
    """Landmarks ``(N, 68, 3)`` of people with some expressions each, from the head's middle, mm."""
    mesh = studio.topology.raw
    marks = ibug68_vertices(mesh)
    shapes = []
    for number in range(people):
        seed = [0, tag, number]
        sitter = invite(studio, seed, male=number % 2 == 1)
        rng = np.random.default_rng([*seed, 7])
        for place, mood in enumerate(rng.permutation(MOODS)[:EXPRESSIONS].tolist()):
            level = 0 if mood == "neutral" else int(rng.integers(1, 5))
            if mood in OTHER_EXPRESSIONS:
                shot = take_shot(studio, sitter, [*seed, place], emotion=mood, intensity=level)
            else:
                shot = express(studio, sitter, mood, level, seed=[*seed, place])
            shapes.append(mesh_points(mesh, sitter, shot, hair=False)[marks] - HEAD_CENTRE)
    return np.array(shapes)


def of_one_size(shapes: FloatArray) -> FloatArray:
    """Heads scaled about the origin, each to be as near to the mean head as it can."""
    mean = shapes.mean(axis=0)
    size = np.linalg.norm(mean)
    for _ in range(5):
        factors = (shapes * mean).sum(axis=(1, 2)) / (shapes**2).sum(axis=(1, 2))
        scaled = shapes * factors[:, None, None]
        mean = scaled.mean(axis=0)
        mean *= size / np.linalg.norm(mean)
    return np.asarray(scaled)


def learn(shapes: FloatArray, num_modes: int) -> FaceShape:
    """Mean and principal modes of heads and their mirror images."""
    both = np.concatenate([shapes, shapes[:, IBUG_MIRROR] * MIRROR])
    mean = both.mean(axis=0)
    rest = (both - mean).reshape(len(both), -1)
    _, lengths, axes = np.linalg.svd(rest, full_matrices=False)
    axes, sds = axes[:num_modes], lengths[:num_modes] / np.sqrt(len(both))
    left = rest - (rest @ axes.T) @ axes
    spread = np.sqrt((left.reshape(len(both), 68, 3) ** 2).mean(axis=(0, 2)))
    signs = np.sign(axes[np.arange(num_modes), np.abs(axes).argmax(axis=1)])
    modes = (axes * (signs * sds)[:, None]).reshape(num_modes, 68, 3)
    return FaceShape(mean.round(3), modes.round(3), spread.round(3))


def left_over_mm(shape: FaceShape, shapes: FloatArray) -> float:
    """What mean and modes leave of a coordinate of some heads, mm, root mean square."""
    rest = (shapes - shape.mean).reshape(len(shapes), -1)
    modes = shape.modes.reshape(len(shape.modes), -1)
    left = rest - rest @ np.linalg.pinv(modes) @ modes
    return float(np.sqrt((left**2).mean()))


def write_shape(shape: FaceShape, people: int) -> None:
    """Write the package's file, a row a line."""
    values = {
        "about": f"68 iBUG landmarks of {people} stand-in people x {EXPRESSIONS} expressions, mm; "
        "synthetic",
        "made_by": "benchmarks/face_shape.py",
        "mean": shape.mean.tolist(),
        "modes": shape.modes.tolist(),
        "spread": shape.spread.tolist(),
    }
    lines = [f'"{key}": {json.dumps(value)}' for key, value in values.items()]
    text = ",\n".join(lines).replace("]], [[", "]],\n[[")
    PATH.parent.mkdir(exist_ok=True)
    write_text(PATH, f"{{\n{text}\n}}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer people, within 50 s")
    parser.add_argument("--write", action="store_true", help="write the file of the package")
    options = parser.parse_args()
    people = 120 if options.quick else PEOPLE
    studio = open_studio("8k", 64)
    drawn = heads(studio, people, tag=LEARNT)
    shapes = of_one_size(drawn)
    shape = learn(shapes, MODES)
    if options.write:
        write_shape(shape, people)
    known = face_shape()
    others = heads(studio, people // 4, tag=HELD_OUT)
    factors = (others * known.mean).sum(axis=(1, 2)) / (others**2).sum(axis=(1, 2))
    others = others * factors[:, None, None]
    figures = {
        "heads": len(shapes),
        "mean_difference_mm": round(float(np.abs(shape.mean - known.mean).max()), 3),
        "spread_mm": round(float(np.sqrt(((shapes - shape.mean) ** 2).mean())), 3),
        "left_over_mm": round(left_over_mm(known, others), 3),
        "left_over_of_these_mm": round(left_over_mm(shape, others), 3),
    }
    print(f"{len(shapes)} heads of {people} stand-in people, {MODES} modes (synthetic)")
    print(f"largest difference of the mean from the file: {figures['mean_difference_mm']} mm")
    print(
        f"a coordinate's spread: {figures['spread_mm']} mm; of {len(others)} heads of other people"
    )
    print(
        f"the file's modes leave {figures['left_over_mm']} mm, "
        f"these {figures['left_over_of_these_mm']} mm"
    )
    print(f"the file: {face_shape_digest()}")
    print(
        json.dumps(
            {"benchmark": "face_shape", "quick": options.quick, "ratios": {}, "figures": figures}
        )
    )


if __name__ == "__main__":
    main()
