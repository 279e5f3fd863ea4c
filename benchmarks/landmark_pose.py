"""How far head poses from landmarks are off, on stand-in people that the fit never saw.

Heads with expressions are turned (yaw to ±90, pitch and roll to ±30 degrees, uniform) before
cameras of 20 to 80 degrees field of view whose picture spans 340 mm; what the estimators
``landmarks68`` and ``landmarks5`` say of the projected points is compared with the truth, with
noise as a share of the distance of the eyes, and with 5 of 68 points moved by half that distance.
Then the jaw: its points on the far side are moved to the outline of the face, as annotators draw
it, and a fit that trusts the jaw as other points, one that trusts it little, and one without it are
compared. Before that, all points are mirrored while they keep their names. Synthetic.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from face_shape import HELD_OUT, heads

from fertools.geometry import FloatArray, rotation_from_angles
from fertools.pose.conventions import get_convention
from fertools.pose.estimators.landmarks5 import Landmarks5
from fertools.pose.estimators.landmarks68 import Landmarks68
from fertools.pose.face_shape import FIVE_OF_68, FaceShape, face_shape
from fertools.pose.fit import FaceModel, fit_poses, make_model
from fertools.pose.registry import FaceBatch
from fertools.render.camera import Camera
from fertools.synth.ibug import ibug68_vertices
from fertools.synth.moods import express
from fertools.synth.portrait import HEAD_CENTRE
from fertools.synth.sitting import Studio, invite, mesh_points, open_studio

SIDE, WINDOW_MM = 400, 340.0
BINS = (0, 15, 30, 45, 60, 75, 90)
JAW = np.arange(17)
OPTIONS = {"full weight": 1.2, "12 mm": 12.0, "without": None}


@dataclass(frozen=True)
class Poses:
    """Turned heads: points ``(N, 68, 2)``, angles ``(N, 3)``, distance of the eyes ``(N,)``, px."""

    points: FloatArray
    angles: FloatArray
    eyes: FloatArray


def draw_camera(rng: np.random.Generator) -> Camera:
    half = math.radians(rng.uniform(20, 80)) / 2
    return Camera(SIDE, WINDOW_MM, distance_mm=WINDOW_MM / 2 / math.tan(half))


def eye_distance_px(marks: FloatArray) -> float:
    left, right = (FIVE_OF_68 @ marks)[:2]
    return float(np.linalg.norm(right - left)) * SIDE / WINDOW_MM


def turn(shapes: FloatArray, number: int, rng: np.random.Generator) -> Poses:
    angles = rng.uniform([-90, -30, -30], [90, 30, 30], (number, 3))
    points, eyes = [], []
    for row in angles:
        marks = shapes[rng.integers(len(shapes))]
        seen = draw_camera(rng).project(marks, rotation_from_angles(*row), np.zeros(3)).screen
        points.append(seen[:, :2])
        eyes.append(eye_distance_px(marks))
    return Poses(np.array(points), angles, np.array(eyes))


def off(rotations: FloatArray, angles: FloatArray) -> FloatArray:
    """Errors of yaw, pitch, roll and the whole turn, ``(N, 4)``, yaw's positive if too large."""
    ours = get_convention("fertools")
    error = (ours.angles(rotations) - angles + 180) % 360 - 180
    error[:, 0] *= np.sign(angles[:, 0])
    cosine = (np.einsum("nij,nij->n", rotations, ours.rotations(angles)) - 1) / 2
    return np.column_stack([error, np.degrees(np.arccos(np.clip(cosine, -1, 1)))])


def show(name: str, rotations: FloatArray, angles: FloatArray) -> dict[str, float]:
    known = np.isfinite(rotations).all(axis=(1, 2))
    error, angles = off(rotations[known], angles[known]), angles[known]
    yaw = np.abs(angles[:, 0])
    says, is_so = np.abs(angles[:, 0] + error[:, 0] * np.sign(angles[:, 0])) > 30, yaw > 30
    main = np.abs(error[yaw <= 60])
    figures = {
        "found": known.mean(),
        "yaw_mae": main[:, 0].mean(),
        "pitch_mae": main[:, 1].mean(),
        "whole_p95": np.quantile(main[:, 3], 0.95),
        "precision_30": (says & is_so).sum() / says.sum(),
        "recall_30": (says & is_so).sum() / is_so.sum(),
    }
    print(f"\n{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    columns = ("yaw", "bias", "pitch", "bias", "roll", "whole", "95 %")
    print(f"  {'|yaw|':8}" + "".join(f"{column:>7}" for column in columns))
    for low, high in pairwise(BINS):
        e = error[(yaw >= low) & (yaw < high)]
        mean, bias = np.abs(e).mean(axis=0), e.mean(axis=0)
        numbers = (mean[0], bias[0], mean[1], bias[1], mean[2], mean[3], np.quantile(e[:, 3], 0.95))
        print(f"  {f'{low}-{high}':8}" + "".join(f"{number:7.2f}" for number in numbers))
    return {key: round(float(value), 3) for key, value in figures.items()}


def estimate(name: str, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rotations and confidence of an estimator."""
    estimator = {"landmarks68": Landmarks68, "landmarks5": Landmarks5}[name]()
    none, size = np.full((len(points), 4), np.nan), np.full((len(points), 2), SIDE)
    blank = [""] * len(points)
    batch = FaceBatch(
        blank,
        blank,
        size,
        list(points),
        none,
        none[:, :3],
        blank,
        lambda n: np.zeros((1, 1, 3), "u1"),
    )
    found = estimator.estimate(batch)
    return found.rotations, found.confidence


def measure(poses: Poses, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    figures = {}
    noise = rng.normal(0, 1, poses.points.shape)
    changed = {
        f"{share:.0%} noise": poses.points + share * poses.eyes[:, None, None] * noise
        for share in (0.0, 0.03, 0.05, 0.10)
    }
    moved = poses.points.copy()
    for face, eyes in zip(moved, poses.eyes, strict=True):
        way = rng.uniform(0, 2 * np.pi, 5)
        face[rng.permutation(68)[:5]] += 0.5 * eyes * np.column_stack([np.cos(way), np.sin(way)])
    changed["5 points moved"] = moved
    changed["points of no face"] = rng.uniform(0, SIDE, poses.points.shape)
    for name in ("landmarks68", "landmarks5"):
        for how, points in changed.items():
            given = points
            if name == "landmarks5" and how == "points of no face":
                given = points[:, :5]
            elif name == "landmarks5":  # noise of the five points themselves, not of their means
                if how == "5 points moved":
                    continue
                share = float(how.split("%")[0]) / 100
                given = FIVE_OF_68 @ poses.points + share * poses.eyes[:, None, None] * noise[:, :5]
            rotations, confidence = estimate(name, given)
            known = np.isfinite(confidence)
            if how != "points of no face":
                figures[f"{name}, {how}"] = show(f"{name}, {how}", rotations, poses.angles)
            parts = np.quantile(confidence[known], [0.05, 0.5, 0.95])
            print(
                f"  {name}, {how}: {known.mean():.1%} with a pose, their confidence (5, 50, 95 %)",
                parts.round(3).tolist(),
            )
    return figures


def measure_mirrored(poses: Poses) -> dict[str, float]:
    """What the estimators say of mirrored faces: 68 points give no pose, five are exchanged."""
    turned = poses.points * [-1, 1] + [SIDE, 0]
    truth = poses.angles * [-1, 1, -1]
    rotations = {
        "landmarks68": estimate("landmarks68", turned)[0],
        "landmarks5": estimate("landmarks5", FIVE_OF_68 @ turned)[0],
    }
    yaw, figures = np.abs(truth[:, 0]), {}
    print("\nmirrored: share without a pose, and mean error of yaw where there is one")
    for name, found in rotations.items():
        error = off(found, truth)[:, 0]
        for low, high in pairwise(BINS):
            e = error[(yaw >= low) & (yaw < high)]
            known = np.abs(e[np.isfinite(e)])
            share, mean = np.isnan(e).mean(), known.mean() if len(known) else np.nan
            print(f"  {name:12} {low}-{high}: {share:.3f}, {mean:.1f} degrees")
            figures[f"{name} mirrored, {low}-{high}, no pose"] = round(float(share), 3)
    return figures


def slid_jaws(studio: Studio, people: int, rng: np.random.Generator) -> tuple[Poses, FloatArray]:
    """Turned heads without roll, and their points with the far side's jaw on the outline."""
    mesh = studio.topology.raw
    marks, place = ibug68_vertices(mesh), mesh.canonical
    face = (
        (np.abs(place[:, 0]) < 68) & (place[:, 2] > -48) & (place[:, 1] > -106) & (place[:, 1] < 25)
    )
    points, slid, angles, eyes = [], [], [], []
    for number in range(people):
        sitter = invite(studio, [0, HELD_OUT, number], male=number % 2 == 1)
        shot = express(studio, sitter, "happiness", number % 5, seed=[0, HELD_OUT, number, 50])
        head = mesh_points(mesh, sitter, shot, hair=False) - HEAD_CENTRE
        for _ in range(20):
            row = rng.uniform([-60, -30, 0], [60, 30, 0])
            seen = draw_camera(rng).project(head, rotation_from_angles(*row), np.zeros(3)).screen
            outline, moved = seen[face, :2], seen[marks, :2].copy()
            far = JAW[:7] if row[0] < 0 else JAW[10:]  # the chin's three points stay
            for point in far:
                beside = outline[np.abs(outline[:, 1] - moved[point, 1]) < 4, 0]
                if len(beside):
                    moved[point, 0] = beside.min() if row[0] < 0 else beside.max()
            points.append(seen[marks, :2])
            slid.append(moved)
            angles.append(row)
            eyes.append(eye_distance_px(head[marks]))
    return Poses(np.array(points), np.array(angles), np.array(eyes)), np.array(slid)


def jaw_model(noise_mm: float | None) -> tuple[FaceModel, FloatArray]:
    """A model, and the numbers of its points."""
    shape, noise = face_shape(), np.full(68, 1.2)
    if noise_mm is None:
        picks = np.arange(len(JAW), 68)
        shape = FaceShape(shape.mean[picks], shape.modes[:, picks], shape.spread[picks])
        return make_model(shape, 1.2, tail=5.0), picks
    noise[JAW] = noise_mm
    return make_model(shape, noise, tail=5.0), np.arange(68)


def measure_jaw(studio: Studio, people: int, rng: np.random.Generator) -> dict[str, float]:
    poses, slid = slid_jaws(studio, people, rng)
    noise = 0.02 * poses.eyes[:, None, None] * rng.normal(0, 1, slid.shape)
    figures = {}
    print(
        f"\nthe jaw, {len(slid)} heads: mean error of yaw, its bias beyond 30 degrees, and of pitch"
    )
    for how, noise_mm in OPTIONS.items():
        model, picks = jaw_model(noise_mm)
        for what, points in (
            ("exact", poses.points),
            ("slid", slid),
            ("slid, 2% noise", slid + noise),
        ):
            error = off(fit_poses(model, points[:, picks]).rotations, poses.angles)
            mean, bias = (
                np.abs(error).mean(axis=0),
                error[np.abs(poses.angles[:, 0]) > 30].mean(axis=0),
            )
            print(f"  {how:12}{what:16}{mean[0]:7.2f}{bias[0]:7.2f}{mean[1]:7.2f}")
            figures[f"jaw {how}, {what}, yaw"] = round(float(mean[0]), 3)
            figures[f"jaw {how}, {what}, bias"] = round(float(bias[0]), 3)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer people, within 50 s")
    quick = parser.parse_args().quick
    studio, rng = open_studio("8k", 64), np.random.default_rng(0)
    shapes = heads(studio, 40 if quick else 300, tag=HELD_OUT)
    poses = turn(shapes, 1000 if quick else 8000, rng)
    print(
        f"{len(poses.points)} poses of {len(shapes)} held-out stand-in heads (synthetic), degrees"
    )
    figures: dict[str, object] = dict(measure(poses, rng))
    figures |= measure_mirrored(poses)
    figures |= measure_jaw(studio, 10 if quick else 60, rng)
    print(
        json.dumps({"benchmark": "landmark_pose", "quick": quick, "ratios": {}, "figures": figures})
    )


if __name__ == "__main__":
    main()
