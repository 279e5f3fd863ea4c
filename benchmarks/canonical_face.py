"""The canonical face of the face mesh network, measured on renders of stand-in heads.

Takes photographs of stand-in people (seeds [0, 901, i]; neutral or mild expressions, all lights,
yaw to 50 degrees, fields of view from 20 to 80) whose rotation and camera are known, lets the
network find its 468 points in each, and looks for the places in three dimensions that agree with
all pictures best. Prints how far they are from the file in use; --write replaces
``fertools/pose/data/canonical_face.json``. Synthetic. Needs the model:
``scripts/fetch_facemesh.sh .venv/facemesh``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from fertools.expressions import BASIC_EXPRESSIONS
from fertools.geometry import FloatArray, rotation_from_angles
from fertools.pose.canonical_face import NUM_POINTS, canonical_face
from fertools.pose.crops import find_faces, region_of_face
from fertools.pose.estimators.facemesh import PUBLISHED_SHA256
from fertools.pose.face_mesh import FaceMeshNetwork
from fertools.pose.model_files import read_model_bytes
from fertools.pose.registry import FaceBatch
from fertools.synth.moods import express
from fertools.synth.sitting import Studio, invite, open_studio
from fertools.synth.wild import FACE_MM, take_photograph
from fertools.synth.wild_conditions import draw_conditions

ROOT = Path(__file__).parents[1]
FILE = ROOT / "fertools" / "pose" / "data" / "canonical_face.json"
MODEL = ROOT / ".venv" / "facemesh" / "face_landmark.tflite"
SIZE = 320
ROUNDS = 8


@dataclass(frozen=True)
class View:
    """One photograph.

    Attributes:
        picture: Shape ``(320, 320, 3)``.
        rotation: Of the head.
        centre: Of the head in the picture, pixels.
        distance_mm: Of the camera from it.
        scale: Pixels a millimetre there.
    """

    picture: npt.NDArray[np.uint8]
    rotation: FloatArray
    centre: FloatArray
    distance_mm: float
    scale: float


def photograph(studio: Studio, number: int) -> View:
    """One person in known pose before a known camera."""
    seed = [0, 901, number]
    rng = np.random.default_rng([*seed, 77])
    sitter = invite(studio, seed, male=number % 2 == 1)
    mood = str(rng.choice(["neutral", *BASIC_EXPRESSIONS]))
    level = 0 if mood == "neutral" else int(rng.integers(1, 3))
    shot = express(studio, sitter, mood, level, seed=seed)
    yaw, pitch, roll = rng.uniform(-50, 50), rng.uniform(-30, 30), rng.normal(0, 5)
    window, view = rng.uniform(300, 400), rng.uniform(20, 80)
    distance = max(220.0, window / 2 / np.tan(np.radians(view / 2)))
    conditions = replace(
        draw_conditions(seed),
        yaw_deg=float(yaw),
        pitch_deg=float(pitch),
        roll_deg=float(roll),
        distance_mm=float(distance),
        face_px=float(SIZE * FACE_MM / window),
        width=SIZE,
        height=SIZE,
        face_x=SIZE / 2,
        face_y=SIZE / 2,
        occlusion="none",
        bystander=False,
        blur_px=0.5,
        grey=False,
    )
    return View(
        take_photograph(studio, sitter, shot, conditions, seed=seed).picture,
        rotation_from_angles(float(yaw), float(pitch), float(roll)),
        np.full(2, SIZE / 2),
        float(distance),
        SIZE / window,
    )


def find_points(network: FaceMeshNetwork, view: View) -> FloatArray | None:
    """What the network says of a photograph, if it is sure."""
    batch = FaceBatch(
        sample_ids=[""],
        images=[""],
        sizes=np.array([[SIZE, SIZE]]),
        landmarks=[None],
        boxes=np.full((1, 4), np.nan),
        angles=np.full((1, 3), np.nan),
        sources=[None],
        load=lambda _: view.picture,
    )
    (place,) = find_faces(batch)
    if place.box is None:
        return None
    region = region_of_face(place, share=1.1, turned=True)
    mesh = network.find(view.picture, region, looks=2)
    return None if mesh is None or mesh.presence < 0.9 else mesh.points


def triangulate(views: list[View], points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Places in the head, shape ``(468, 3)``, mm, and how far the pictures are from them, mm.

    A place X is seen at u = X_1 / (1 - X_3 / d), turned and in millimetres at the head's centre: so
    X_1 + X_3 u / d = u, which is linear. Heads of other sizes are g times the mean one. Each round
    solves for the places, the sizes, and weights that bad pictures of a point lose (Cauchy's).
    """
    rotations = np.array([view.rotation for view in views])
    distances = np.array([view.distance_mm for view in views])
    seen = np.array(
        [(p - v.centre) * [1, -1] / v.scale for p, v in zip(points, views, strict=True)]
    )
    rays = (
        rotations[:, None, :2]
        + (seen / distances[:, None, None])[..., None] * rotations[:, None, 2:]
    )
    weights, sizes = np.ones(seen.shape[:2]), np.ones(len(views))
    for _ in range(ROUNDS):
        scaled = rays * sizes[:, None, None, None]
        left = np.einsum("nkai,nkaj,nk->kij", scaled, scaled, weights)
        right = np.einsum("nkai,nka,nk->ki", scaled, seen, weights)
        places = np.linalg.solve(left, right[..., None])[..., 0]
        flat = np.einsum("nkai,ki->nka", rays, places)
        sizes = np.einsum("nka,nka,nk->n", flat, seen, weights)
        sizes /= np.einsum("nka,nka,nk->n", flat, flat, weights)
        sizes /= np.median(sizes)
        errors = ((seen - flat * sizes[:, None, None]) ** 2).sum(axis=2)
        variances = np.median(errors, axis=0) / 1.386  # of a coordinate: median of chi² with 2
        weights = 1 / (1 + errors / (4 * variances)) / variances
    return places, np.sqrt(variances)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer people, within 50 s")
    parser.add_argument("--write", action="store_true", help="replace the file in use")
    parser.add_argument("--model", type=Path, default=MODEL)
    chosen = parser.parse_args()
    data = read_model_bytes(chosen.model, sha256=PUBLISHED_SHA256, remedy="see the text above")
    network = FaceMeshNetwork(chosen.model, data)
    studio = open_studio("8k", 384)
    people = 40 if chosen.quick else 420
    views, found = [], []
    for number in range(people):
        view = photograph(studio, number)
        points = find_points(network, view)
        if points is not None:
            views.append(replace(view, picture=view.picture[:0]))
            found.append(points)
    places, spread = triangulate(views, np.array(found))
    across = places * [-1.0, 1.0, 1.0]
    costs = ((across[:, None] - places[None]) ** 2).sum(axis=2)
    mirror = linear_sum_assignment(costs)[1]
    lopsided = float(np.sqrt(costs[np.arange(NUM_POINTS), mirror]).mean())
    places = (places + across[mirror]) / 2
    spread = (spread + spread[mirror]) / 2
    now = canonical_face()
    far = float(np.sqrt(((places - now.points) ** 2).sum(axis=1)).mean())
    print(f"{len(found)} of {people} renders with a sure face (synthetic)")
    print(f"left and right differed by {lopsided:.2f} mm; spread {np.median(spread):.2f} mm")
    print(f"mean distance from the points in use: {far:.2f} mm")
    if chosen.write:
        numbers = {
            "points": places.round(2).tolist(),
            "spread": spread.round(2).tolist(),
            "mirror": mirror.tolist(),
        }
        FILE.write_text(json.dumps(numbers, separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"written: {FILE}")
    figures = {
        "renders": len(found),
        "median_spread_mm": round(float(np.median(spread)), 3),
        "lopsided_mm": round(lopsided, 3),
        "difference_mm": round(far, 3),
    }
    print(
        json.dumps(
            {"benchmark": "canonical_face", "quick": chosen.quick, "ratios": {}, "figures": figures}
        )
    )


if __name__ == "__main__":
    main()
