"""The template of ``--frontalise``, and how well a scan's zero is found by its landmarks.

Draws stand-in people, prints the mean place of the template's seven landmarks (symmetric, neutral
faces), and measures on people that are not in that mean, with all expressions, how far from
frontal a scan remains that was turned by a known angle and then frontalised. Synthetic.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from fertools.geometry import FloatArray, angles_from_rotation, rotation_from_angles
from fertools.render.frontal import FRONTAL_LANDMARKS, FRONTAL_TEMPLATE_MM, frontal_rotation
from fertools.synth.expressions import EMOTION_CODES
from fertools.synth.landmarks import bnd_vertices
from fertools.synth.sitting import Studio, invite, mesh_points, open_studio, pose_for

MIRROR = [2, 3, 0, 1, 6, 5, 4]


def points_of(studio: Studio, number: int, emotion: str, intensity: int) -> FloatArray:
    """The 83 landmarks of one scan, looking ahead."""
    sitter = invite(studio, [7, number], male=number % 2 == 1)
    shot = pose_for(studio, sitter, emotion=emotion, intensity=intensity)
    mesh = studio.topology.f3d
    return mesh_points(mesh, sitter, shot, hair=False)[bnd_vertices(mesh)]


def template(studio: Studio, people: int) -> FloatArray:
    """Mean of the seven points over neutral faces, symmetric, its own mean at the origin."""
    picks = list(FRONTAL_LANDMARKS)
    mean = np.mean([points_of(studio, n, "neutral", 0)[picks] for n in range(people)], axis=0)
    even = (mean + mean[MIRROR] * np.array([-1.0, 1.0, 1.0])) / 2
    return np.asarray(even - even.mean(axis=0))


def remaining_deg(studio: Studio, people: range, rng: np.random.Generator) -> FloatArray:
    """What is left of yaw, pitch and roll after frontalising, a row a scan, and the whole turn."""
    rows = []
    for number in people:
        for emotion in EMOTION_CODES:
            points = points_of(studio, number, emotion, 0 if emotion == "neutral" else 4)
            turn = rotation_from_angles(*rng.uniform(-12, 12, 3))
            left = frontal_rotation(points @ turn.T, Path("stand-in")) @ turn
            angle = np.degrees(np.arccos(np.clip((np.trace(left) - 1) / 2, -1, 1)))
            rows.append([*angles_from_rotation(left), angle])
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer people, within 50 s")
    quick = parser.parse_args().quick
    people = 10 if quick else 60
    studio = open_studio("8k", 64)
    now = template(studio, people)
    print(f"template, mm, mean of {people} neutral stand-in people (synthetic):")
    print(np.array2string(now, precision=2, separator=", ", suppress_small=True))
    change = float(np.abs(now - FRONTAL_TEMPLATE_MM).max())
    print(f"largest difference from the template in use: {change:.2f} mm")
    left = remaining_deg(studio, range(1000, 1000 + (5 if quick else 40)), np.random.default_rng(0))
    names = ("yaw", "pitch", "roll", "whole turn")
    figures = {"template_difference_mm": round(change, 3), "scans": len(left)}
    print(f"{'left, deg':12}{'mean of |.|':>12}{'95 %':>8}{'most':>8}   ({len(left)} scans)")
    for name, column in zip(names, np.abs(left).T, strict=True):
        mean, high, most = column.mean(), np.quantile(column, 0.95), column.max()
        print(f"{name:12}{mean:12.2f}{high:8.2f}{most:8.2f}")
        key = name.replace(" ", "_")
        figures |= {f"{key}_mean_deg": round(mean, 3), f"{key}_p95_deg": round(high, 3)}
    print(
        json.dumps(
            {"benchmark": "frontal_template", "quick": quick, "ratios": {}, "figures": figures}
        )
    )


if __name__ == "__main__":
    main()
