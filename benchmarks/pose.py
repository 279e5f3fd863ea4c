"""Head poses a second of every estimator, and a split of 450,000 rows from a pose table.

First: each estimator against the plainest loop over the same library, on the same pictures (256 x
256 renders of stand-ins) or the same landmarks, in one run, one process to one thread:

- ``landmarks68``, ``landmarks5``: ``cv2.solvePnP`` a face at a time, with a camera of 50 degrees;
- ``mtcnn``: facenet-pytorch's ``MTCNN.detect`` a picture at a time, then ``cv2.solvePnP``;
- ``facemesh``: the same detector, the interpreter on the box, then ``cv2.solvePnP`` of six points
  (needs the model: ``scripts/fetch_facemesh.sh``, or ``$FERTOOLS_FACEMESH``);
- ``onnx``: the same detector, then onnxruntime on the box, a small network with made-up weights.

Ours reads files, compares digests, keeps chunks and writes the table; the loops decode with OpenCV
and keep nothing. Ours is then also run with as many processes as processors. MAE is against the
true yaw of the same faces, to show that the two do the same.

Second: ``fertools make-pose-split`` as a process of its own over invented rows with a pose table,
with its peak memory. The yardstick is a pandas filter of the same two files that writes the names.

    python benchmarks/pose.py            # 96 pictures, 4,096 faces, 450,000 rows, some minutes
    python benchmarks/pose.py --quick    # 24 pictures, 1,024 faces, 45,000 rows
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fertools.expressions import AFFECTNET_CODES
from fertools.geometry import FloatArray, rotation_from_angles
from fertools.jobs.pool import default_workers
from fertools.manifest import Manifest, write_manifest
from fertools.pose.face_shape import FIVE_OF_68, face_shape
from fertools.pose.job import estimate_pose
from fertools.pose.registry import choose_options
from fertools.pose.table import pose_schema, write_pose_table

os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as our commands do, for both sides

SIDE = 256
SIX = (1, 33, 263, 61, 291, 199)  # of the mesh: nose, eyes' and mouth's corners, chin
SIX_MM = np.array(
    [[0, 0, 0], [-45, 34, -27], [45, 34, -27], [-28, -29, -24], [28, -29, -24], [0, -66, -12]],
    np.float64,
)


@dataclass(frozen=True)
class Case:
    """An estimator and its yardstick.

    Attributes:
        name: Of the estimator.
        manifest: What it works on.
        loop: Yaws of all samples by the plain loop.
        file: What the estimator needs.
    """

    name: str
    manifest: Manifest
    loop: Callable[[], FloatArray]
    file: Path | None = None

    @property
    def truth(self) -> FloatArray:
        """True yaws, degrees."""
        return self.manifest.frame["yaw_deg"].to_numpy(np.float64)


def solve(model: FloatArray, points: FloatArray, size: float) -> float:
    """Yaw of a face by OpenCV, the camera 50 degrees wide; NaN where it fails."""
    focal = size / 2 / np.tan(np.radians(25))
    camera = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])
    flip = np.diag([1.0, -1.0, -1.0])  # its y points down and its z away
    how = cv2.SOLVEPNP_ITERATIVE if len(points) > 6 else cv2.SOLVEPNP_SQPNP
    found, turn, _ = cv2.solvePnP(model @ flip, points, camera, np.zeros(4), flags=how)
    if not found:
        return float("nan")
    rotation = flip @ cv2.Rodrigues(turn)[0] @ flip
    return float(np.degrees(np.arctan2(rotation[0, 2], rotation[2, 2])))


def model_of(number: int) -> FloatArray:
    """68 or five points of the mean face, mm."""
    return face_shape().mean if number == 68 else face_shape().combined(FIVE_OF_68).mean


def make_faces(folder: Path, number: int, *, count: int) -> Manifest:
    """Landmarks of invented faces: the mean shape, turned, seen from 600 mm, with 1 px of noise."""
    rng = np.random.default_rng(number)
    shape = model_of(number)
    angles = np.column_stack([rng.uniform(-60, 60, count), rng.uniform(-25, 25, count)])
    points = np.empty((count, len(shape), 2))
    for row, (yaw, pitch) in enumerate(angles):
        turned = shape @ rotation_from_angles(yaw, pitch).T
        near = 1 / (1 - turned[:, 2:] / 600)
        points[row] = SIDE / 2 + turned[:, :2] * near * [1.0, -1.0]
    points += rng.normal(0, 1, points.shape)
    ids = [f"f{row:06d}" for row in range(count)]
    folder.mkdir()
    pq.write_table(
        pa.table(
            {
                "sample_id": ids,
                "x": pa.array(list(points[..., 0]), pa.list_(pa.float32())),
                "y": pa.array(list(points[..., 1]), pa.list_(pa.float32())),
            }
        ),
        folder / "landmarks.parquet",
    )
    for name in ids:
        (folder / f"{name}.jpg").touch()  # that it is there is looked at, nothing more
    frame = pd.DataFrame({"sample_id": ids, "image": [f"{name}.jpg" for name in ids]})
    frame["yaw_deg"], frame["pitch_deg"], frame["roll_deg"] = angles[:, 0], angles[:, 1], 0.0
    return write_frame(folder, frame)


def write_frame(folder: Path, frame: pd.DataFrame, size: int = SIDE) -> Manifest:
    """A manifest of invented or rendered rows."""
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in frame["sample_id"]]
    frame = frame.assign(
        dataset="affectnet",
        expression=[AFFECTNET_CODES[row % 8] for row in range(len(frame))],
        split="val",
        width=size,
        height=size,
        sha256=frame.get("sha256", digests),
    )
    return write_manifest(
        folder / "manifest.parquet", frame, dataset="affectnet", synthetic=True, config={}
    )


def render_faces(folder: Path, count: int) -> Manifest:
    """Pictures of stand-ins, turned by up to 60 degrees, in JPEG."""
    from fertools.render.camera import Camera
    from fertools.synth.ibug import ibug68_vertices
    from fertools.synth.moods import express
    from fertools.synth.portrait import compose, take_portrait
    from fertools.synth.shading import Lights
    from fertools.synth.sitting import invite, open_studio

    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(3)
    studio = open_studio("8k", 256)
    lights = Lights(
        np.array([[0.3, 0.4, 0.87], [-0.6, 0.1, 0.79]]),
        np.array([[0.7] * 3, [0.4] * 3]),
        np.array([0.4, 0.1]),
    )
    rows = []
    for number in range(count):
        if number % 8 == 0:
            sitter = invite(studio, [0, 902, 500 + number], male=number % 16 == 0)
        shot = express(studio, sitter, "neutral", 0, seed=[number])
        yaw, pitch = float(rng.uniform(-60, 60)), float(rng.uniform(-20, 20))
        portrait = take_portrait(
            studio,
            sitter,
            shot,
            rotation=rotation_from_angles(yaw, pitch),
            lights=lights,
            camera=Camera(image_size=SIDE, window_mm=350, distance_mm=700),
            vertices=ibug68_vertices(studio.topology.raw),
        )
        picture = compose(portrait, np.full((SIDE, SIDE, 3), 110, np.uint8))
        path = folder / "images" / f"p{number:05d}.jpg"
        cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append((path.stem, f"images/{path.name}", yaw, pitch, 0.0, digest))
    names = ["sample_id", "image", "yaw_deg", "pitch_deg", "roll_deg", "sha256"]
    return write_frame(folder, pd.DataFrame(rows, columns=names))


def loop_over_landmarks(manifest: Manifest, model: FloatArray) -> Callable[[], FloatArray]:
    """``cv2.solvePnP`` a face at a time."""
    table = pd.read_parquet(manifest.path.parent / "landmarks.parquet")
    faces = [np.column_stack([x, y]).astype(float) for x, y in zip(table.x, table.y, strict=True)]
    return lambda: np.array([solve(model, face, SIDE) for face in faces])


def loop_over_pictures(
    manifest: Manifest, look: Callable[[np.ndarray, np.ndarray, np.ndarray], float]
) -> Callable[[], FloatArray]:
    """MTCNN a picture at a time, and what is done with box and points."""
    import torch
    from facenet_pytorch import MTCNN

    paths = [manifest.root / image for image in manifest.frame["image"]]

    def run() -> FloatArray:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        detector = MTCNN(keep_all=False)
        yaws = []
        for path in paths:
            picture = cv2.imread(str(path))[..., ::-1]
            boxes, _, points = detector.detect(picture.copy(), landmarks=True)
            found = boxes is not None
            yaws.append(look(picture, boxes[0], points[0].astype(float)) if found else np.nan)
        return np.array(yaws)

    return run


def square(picture: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """The box, half as large again, as ``(size, size, 3)``."""
    x0, y0, x1, y1 = box
    half = 0.75 * max(x1 - x0, y1 - y0)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    scale = size / (2 * half)
    matrix = np.array([[scale, 0, -scale * (x - half)], [0, scale, -scale * (y - half)]])
    return cv2.warpAffine(picture, matrix, (size, size))


def mesh_look(model: Path) -> Callable[[np.ndarray, np.ndarray, np.ndarray], float]:
    """The face mesh on the box, and OpenCV on six of its points."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(model_path=str(model), num_threads=1)
    net.allocate_tensors()
    into = net.get_input_details()[0]["index"]
    out = max(net.get_output_details(), key=lambda about: int(np.prod(about["shape"])))["index"]

    def look(picture: np.ndarray, box: np.ndarray, _: np.ndarray) -> float:
        net.set_tensor(into, (square(picture, box, 192)[None] / 255).astype(np.float32))
        net.invoke()
        points = net.get_tensor(out).reshape(-1, 3)[list(SIX), :2]
        return solve(SIX_MM, points.astype(float), 192)

    return look


def write_network(folder: Path) -> Path:
    """A network in ONNX of a ResNet-18's size with made-up weights, and its declaration."""
    import torch
    from torchvision.models import resnet18

    folder.mkdir()
    torch.manual_seed(0)
    net = resnet18(num_classes=3).eval()
    torch.onnx.export(
        net,
        (torch.zeros(1, 3, 224, 224),),
        str(folder / "net.onnx"),
        input_names=["image"],
        output_names=["angles"],
        dynamo=False,
    )
    digest = hashlib.sha256((folder / "net.onnx").read_bytes()).hexdigest()
    (folder / "net.yaml").write_text(NETWORK.format(digest=digest))
    return folder / "net.yaml"


NETWORK = """model: net.onnx
sha256: {digest}
input: {{size: 224, scale: 0.00392156862745098, mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225]}}
crop: {{margin: 0.25}}
output: {{kind: euler, names: [angles], order: [yaw, pitch, roll], unit: degrees}}
convention: fertools
"""


def onnx_look(model: Path) -> Callable[[np.ndarray, np.ndarray, np.ndarray], float]:
    """What onnxruntime gives on the box."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    net = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])

    def look(picture: np.ndarray, box: np.ndarray, _: np.ndarray) -> float:
        values = (square(picture, box, 224) / 255 - mean) / spread
        values = values.transpose(2, 0, 1)[None].astype(np.float32)
        return float(net.run(None, {"image": values})[0][0, 0])

    return look


def find_mesh() -> Path | None:
    """The face mesh's file, where it was fetched."""
    places = [Path(os.environ.get("FERTOOLS_FACEMESH", "-")), Path(".venv/facemesh")]
    files = [p / "face_landmark.tflite" if p.is_dir() else p for p in places]
    return next((path for path in files if path.is_file()), None)


def ours(case: Case, out: Path, workers: int) -> tuple[float, FloatArray]:
    """Seconds of an estimation into a new folder, and the yaws."""
    options = choose_options(case.name, file=case.file)
    start = time.perf_counter()
    summary = estimate_pose(case.manifest, out, case.name, options, workers=workers)
    seconds = time.perf_counter() - start
    if summary.table is None:
        raise ValueError("no table was made")
    return seconds, summary.table.frame["yaw_deg"].to_numpy(np.float64)


def compare(case: Case, scratch: Path, rounds: int) -> dict[str, float]:
    """Median rates of both sides, and how far off each is."""
    times: dict[str, list[float]] = {"ours": [], "loop": [], "all": []}
    ours(case, scratch / f"{case.name}-warm", 1)  # compiled and loaded
    case.loop()
    for number in range(rounds):
        seconds, yaws = ours(case, scratch / f"{case.name}-{number}", 1)
        times["ours"].append(seconds)
        start = time.perf_counter()
        others = case.loop()
        times["loop"].append(time.perf_counter() - start)
        times["all"].append(ours(case, scratch / f"{case.name}-all-{number}", default_workers())[0])
    count = len(case.manifest.frame)
    rates = {side: count / statistics.median(taken) for side, taken in times.items()}
    return {
        **rates,
        "ratio": rates["ours"] / rates["loop"],
        "mae": float(np.nanmean(np.abs(yaws - case.truth))),
        "loop_mae": float(np.nanmean(np.abs(others - case.truth))),
        "found": float(np.isfinite(yaws).mean()),
        "loop_found": float(np.isfinite(others).mean()),
    }


def make_cases(scratch: Path, *, pictures: int, faces: int) -> list[Case]:
    """All estimators that can be run here."""
    cases = []
    for number in (68, 5):
        given = make_faces(scratch / f"faces{number}", number, count=faces)
        shape = model_of(number)
        cases.append(Case(f"landmarks{number}", given, loop_over_landmarks(given, shape)))
    five = shape
    given = render_faces(scratch / "pictures", pictures)
    by_points = loop_over_pictures(given, lambda _, __, points: solve(five, points, SIDE))
    cases.append(Case("mtcnn", given, by_points))
    if (mesh := find_mesh()) is not None:
        cases.append(Case("facemesh", given, loop_over_pictures(given, mesh_look(mesh)), mesh))
    else:
        print("facemesh: its model is not here; scripts/fetch_facemesh.sh .venv/facemesh")
    declared = write_network(scratch / "network")
    look = onnx_look(declared.with_name("net.onnx"))
    cases.append(Case("onnx", given, loop_over_pictures(given, look), declared))
    return cases


def make_many(folder: Path, count: int) -> None:
    """A manifest of invented validation rows and their pose table."""
    rng = np.random.default_rng(0)
    ids = [
        f"{row % 1000}/{hashlib.sha256(str(row).encode()).hexdigest()[:56]}" for row in range(count)
    ]
    frame = pd.DataFrame({"sample_id": ids, "image": [f"{name}.jpg" for name in ids]})
    manifest = write_frame(folder, frame.assign(release="2017", num_bytes=1000))
    yaws, pitches = rng.normal(0, 30, count).clip(-170, 170), rng.normal(0, 18, count).clip(-80, 80)
    table = pa.table(
        {
            "sample_id": manifest.frame["sample_id"].tolist(),
            "sha256": manifest.frame["sha256"].tolist(),
            "yaw_deg": yaws,
            "pitch_deg": pitches,
            "roll_deg": rng.normal(0, 8, count),
            "confidence": rng.uniform(0.3, 1, count),
            "num_faces": np.full(count, -1),
            "reason": pa.nulls(count, pa.string()),
            "key": ["0" * 32] * count,
        }
    ).cast(pose_schema())
    facts = {"estimator": "landmarks68", "version": "invented", "options": {}}
    write_pose_table(folder / "pose.parquet", table, dataset="affectnet", synthetic=True, **facts)


def split_many(folder: Path) -> tuple[float, float]:
    """Seconds and peak MB of the command, start of Python included."""
    line = [sys.executable, "-c", "from cli.entry import fertools; fertools()", "make-pose-split"]
    line += ["--dataset", "affectnet", "--manifest", str(folder), "--poses", str(folder)]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*line, "--out", str(folder / "split")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, memory_mb(process.pid))
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(
            f"make-pose-split ended with {process.returncode}: {process.stderr.read()!r}"
        )
    return seconds, peak


def memory_mb(process: int) -> float:
    """Peak memory of a process so far, MB; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return max((int(w.split()[1]) / 1024 for w in lines if w.startswith("VmHWM")), default=0.0)


def filter_many(folder: Path) -> float:
    """Seconds of a plain filter over the same two files; nothing is checked."""
    code = (
        "import pandas as pd, sys\n"
        "m, p = (pd.read_parquet(f'{sys.argv[1]}/{n}.parquet') for n in ('manifest', 'pose'))\n"
        "r = m.merge(p, on='sample_id')\n"
        "r = r[(r.yaw_deg_y.abs() > 30) | (r.pitch_deg_y.abs() > 30)]\n"
        "open(f'{sys.argv[1]}/plain.txt', 'w').write('\\n'.join(r.image))\n"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller sample")
    quick = parser.parse_args().quick
    pictures, faces, rows, rounds = (24, 1024, 45_000, 1) if quick else (96, 4096, 450_000, 3)
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    head = f"{'estimator':<12}{'ours/s':>9}{'loop/s':>9}{'ratio':>7}{'all cores/s':>12}"
    print(f"{head}{'MAE':>7}{'loop':>7}{'found':>7}{'loop':>7}   (yaw, synthetic)")
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        for case in make_cases(scratch, pictures=pictures, faces=faces):
            got = compare(case, scratch, rounds)
            print(
                f"{case.name:<12}{got['ours']:>9.1f}{got['loop']:>9.1f}{got['ratio']:>7.2f}"
                f"{got['all']:>12.1f}{got['mae']:>7.2f}{got['loop_mae']:>7.2f}"
                f"{got['found']:>7.1%}{got['loop_found']:>7.1%}",
                flush=True,
            )
            ratios[case.name] = round(got["ratio"], 3)
            figures |= {f"{case.name}_{key}": round(value, 3) for key, value in got.items()}
        make_many(scratch / "many", rows)
        seconds, peak = split_many(scratch / "many")
        plain = filter_many(scratch / "many")
    print(
        f"make-pose-split of {rows:,} rows: {seconds:.1f} s, peak {peak:.0f} MB; "
        f"plain filter {plain:.1f} s"
    )
    figures |= {
        "split_rows": rows,
        "split_seconds": round(seconds, 2),
        "split_peak_mb": round(peak),
    }
    ratios["split_to_plain_filter"] = round(plain / seconds, 3)
    print(json.dumps({"benchmark": "pose", "quick": quick, "ratios": ratios, "figures": figures}))


if __name__ == "__main__":
    main()
