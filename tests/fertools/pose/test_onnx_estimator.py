"""Networks in ONNX: tiny ones whose outputs are known, and files that are wrong."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pose_batches import batch_of

from fertools.errors import ConfigError, MissingExtraError, ModelError
from fertools.geometry import FloatArray, angles_from_rotation, rotation_from_angles
from fertools.pose.network_declaration import read_declaration
from fertools.pose.registry import PoseEstimates, choose_options, get_estimator

if importlib.util.find_spec("onnx") is None or importlib.util.find_spec("onnxruntime") is None:
    pytest.skip("needs the extra 'export'", allow_module_level=True)

SIDE = 16


def save(
    path: Path, outputs: dict[str, Any], *, shape: tuple[Any, ...] = (1, 3, SIDE, SIDE)
) -> str:
    """A network of constant outputs, or of the mean of each channel where one is None."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, infos = [], []
    for name, value in outputs.items():
        if value is None:
            nodes.append(helper.make_node("GlobalAveragePool", ["picture"], [f"{name}_means"]))
            nodes.append(helper.make_node("Flatten", [f"{name}_means"], [name]))
            size: list[Any] = [shape[0], 3]
        else:
            array = np.asarray(value, dtype=np.float32)
            tensor = numpy_helper.from_array(array, f"{name}_values")
            nodes.append(helper.make_node("Constant", [], [name], value=tensor))
            size = list(array.shape)
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, size))
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, list(shape))
    graph = helper.make_graph(nodes, "tiny", [picture], infos)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return hashlib.sha256(path.read_bytes()).hexdigest()


def declare(folder: Path, sha256: str, output: dict[str, Any], /, **changes: Any) -> Path:
    """A declaration beside ``net.onnx``."""
    values: dict[str, Any] = {
        "model": "net.onnx",
        "sha256": sha256,
        "input": {"size": SIDE},
        "crop": {"source": "picture"},
        "output": output,
        "convention": "fertools",
    }
    values |= changes
    path = folder / "net.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def estimate(path: Path, *colours: tuple[int, int, int]) -> PoseEstimates:
    pictures = [np.full((24, 20, 3), colour, np.uint8) for colour in colours or [(0, 0, 0)]]
    options = choose_options("onnx", file=path)
    return get_estimator("onnx").open(options).estimate(batch_of(pictures))


def angles(found: PoseEstimates, number: int = 0) -> list[float]:
    return [round(value, 3) + 0.0 for value in angles_from_rotation(found.rotations[number])]


def matrix_net(folder: Path, matrix: FloatArray, /, **changes: Any) -> Path:
    sha256 = save(folder / "net.onnx", {"pose": matrix[None]})
    return declare(folder, sha256, {"kind": "rotation_matrix", "name": "pose"}, **changes)


def test_a_matrix_is_turned_by_its_convention(tmp_path: Path) -> None:
    rotation = rotation_from_angles(30, -10, 5)
    found = estimate(matrix_net(tmp_path, rotation))
    assert angles(found) == [30, -10, 5]
    assert found.confidence.tolist() == [1.0]
    assert found.num_faces.tolist() == [-1]
    assert found.reasons == [None]
    found = estimate(matrix_net(tmp_path, rotation.T, convention="6drepnet"))
    assert angles(found) == [30, -10, 5]
    flip = np.diag([1.0, -1.0, -1.0])
    found = estimate(matrix_net(tmp_path, flip @ rotation @ flip, convention="openface"))
    assert angles(found) == [30, -10, 5]


def test_a_matrix_that_is_nearly_a_rotation_is_made_one(tmp_path: Path) -> None:
    rotation = rotation_from_angles(30, -10, 5)
    found = estimate(matrix_net(tmp_path, 1.05 * rotation))
    np.testing.assert_allclose(found.rotations[0], rotation, atol=1e-6)


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        (np.diag([1.0, 1.0, -1.0]), "the network's matrix is no rotation"),
        (np.zeros((3, 3)), "the network's matrix is no rotation"),
        (np.full((3, 3), np.nan), "the network gives no finite number"),
        (np.full((3, 3), np.inf), "the network gives no finite number"),
    ],
)
def test_what_is_no_rotation_is_no_pose(tmp_path: Path, matrix: FloatArray, reason: str) -> None:
    found = estimate(matrix_net(tmp_path, matrix))
    assert found.reasons == [reason]
    assert np.isnan(found.rotations).all()
    assert np.isnan(found.confidence).all()


def test_angles_come_in_any_order_and_unit(tmp_path: Path) -> None:
    one = {"kind": "euler", "names": ["ypr"], "order": ["pitch", "roll", "yaw"], "unit": "radians"}
    sha256 = save(tmp_path / "net.onnx", {"ypr": np.radians([[-10.0, 5.0, 30.0]])})
    assert angles(estimate(declare(tmp_path, sha256, one))) == [30, -10, 5]
    three = {"kind": "euler", "names": ["y", "p", "r"]}
    sha256 = save(tmp_path / "net.onnx", {"r": [[0.0]], "y": [[30.0]], "p": [[0.0]]})
    assert angles(estimate(declare(tmp_path, sha256, three))) == [30, 0, 0]
    turned = declare(tmp_path, sha256, three, convention="6drepnet")
    assert angles(estimate(turned)) == [-30, 0, 0]
    sha256 = save(tmp_path / "net.onnx", {"r": [[0.0]], "y": [[0.0]], "p": [[20.0]]})
    for convention, pitch in (("6drepnet", 20), ("openface", -20), ("mediapipe", -20)):
        said = declare(tmp_path, sha256, three, convention=convention)
        assert angles(estimate(said)) == [0, pitch, 0]


@pytest.mark.parametrize(("unit", "most"), [("degrees", 360.0), ("radians", 2 * np.pi)])
def test_an_angle_beyond_a_whole_turn_is_no_pose(tmp_path: Path, unit: str, most: float) -> None:
    output = {"kind": "euler", "names": ["ypr"], "unit": unit}
    for size, reason in ((0.99, None), (1.01, "the network's angle is beyond a whole turn")):
        sha256 = save(tmp_path / "net.onnx", {"ypr": np.array([[0.0, 0.0, -most * size]])})
        assert estimate(declare(tmp_path, sha256, output)).reasons == [reason]


def test_a_matrix_is_not_in_a_convention_that_has_none(tmp_path: Path) -> None:
    path = matrix_net(tmp_path, np.eye(3), convention="whenet")
    with pytest.raises(ConfigError, match="'whenet' has angles only, no rotation_matrix"):
        estimate(path)


def test_bins_are_those_of_whenet(tmp_path: Path) -> None:
    def peak(count: int, index: float) -> FloatArray:
        """Sure of one bin, or of two in equal parts."""
        logits = np.full((1, count), -50.0)
        logits[0, [int(np.floor(index)), int(np.ceil(index))]] = 50.0
        return logits

    outputs = {"yaw": peak(120, 50.5), "pitch": peak(66, 40), "roll": peak(66, 33)}
    bins = {"width": 3, "offset": -99, "count": 66}
    output = {
        "kind": "bins",
        "yaw": {"name": "yaw", "count": 120, "width": 3, "offset": -180},
        "pitch": {"name": "pitch", **bins},
        "roll": {"name": "roll", **bins},
    }
    sha256 = save(tmp_path / "net.onnx", outputs)
    found = estimate(declare(tmp_path, sha256, output, convention="whenet"))
    again = found.rotations[0]
    from fertools.pose.conventions import CONVENTIONS

    expected = CONVENTIONS["whenet"].rotations(np.array([[50.5 * 3 - 180, 40 * 3 - 99.0, 0.0]]))
    np.testing.assert_allclose(again, expected[0], atol=1e-9)
    assert again[0, 2] > 0  # a negative yaw of WHENet's is the nose to the image's right
    assert again[1, 2] > 0


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
def test_pixels_arrive_as_declared(tmp_path: Path, layout: str, colour: str) -> None:
    if layout == "nhwc":
        from fertools.pose.head_pose_network import prepare
        from fertools.pose.network_declaration import InputDeclaration

        crop = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        said = InputDeclaration(
            size=SIDE, layout="nhwc", colour=colour, scale=0.5, mean=(1, 2, 3), std=(2, 4, 8)
        )
        values = prepare(crop, said)
        order = crop if colour == "rgb" else crop[..., ::-1]
        expected = (order * 0.5 - np.array([1, 2, 3])) / np.array([2, 4, 8])
        assert values.shape == (1, SIDE, SIDE, 3)
        np.testing.assert_allclose(values[0], expected, rtol=1e-6)
        return
    sha256 = save(tmp_path / "net.onnx", {"pose": None})
    pixels = {"size": SIDE, "colour": colour, "scale": 1.0, "mean": [10, 20, 30], "std": [1, 2, 4]}
    path = declare(tmp_path, sha256, {"kind": "euler", "names": ["pose"]}, input=pixels)
    found = estimate(path, (50, 40, 70), (10, 20, 30))
    red_first = [40, 10, 10] if colour == "rgb" else [60, 10, 5]
    assert angles(found) == red_first
    assert angles(found, 1) == ([0, 0, 0] if colour == "rgb" else [20, 0, -5])


def test_the_face_is_cut_out_with_its_margin(tmp_path: Path) -> None:
    sha256 = save(tmp_path / "net.onnx", {"pose": None})
    crop = {"source": "face", "margin": 0.5}
    pixels = {"size": SIDE, "scale": 1.0}
    output = {"kind": "euler", "names": ["pose"]}
    path = declare(tmp_path, sha256, output, crop=crop, input=pixels)
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[16:48, 8:40] = (40, 0, 0)
    boxes = np.array([[16.0, 24.0, 32.0, 40.0]])  # with its margin just the red square
    estimator = get_estimator("onnx").open(choose_options("onnx", file=path))
    assert angles(estimator.estimate(batch_of([picture], boxes=boxes))) == [40, 0, 0]


def test_a_picture_without_a_face_has_a_reason(tmp_path: Path) -> None:
    if importlib.util.find_spec("facenet_pytorch") is None:
        pytest.skip("needs the extra 'zoo'")
    path = matrix_net(tmp_path, np.eye(3), crop={"source": "face"})
    found = estimate(path)
    assert found.reasons == ["no face was found"]
    assert found.num_faces.tolist() == [0]


def test_the_version_tells_models_and_declarations_apart(tmp_path: Path) -> None:
    def version(path: Path) -> str:
        return get_estimator("onnx").open(choose_options("onnx", file=path)).version

    first = version(matrix_net(tmp_path, np.eye(3)))
    assert version(matrix_net(tmp_path, np.eye(3))) == first
    assert version(matrix_net(tmp_path, np.eye(3), convention="mediapipe")) != first
    assert version(matrix_net(tmp_path, rotation_from_angles(1, 0, 0))) != first


def test_another_model_is_refused_unloaded(tmp_path: Path) -> None:
    path = matrix_net(tmp_path, np.eye(3), sha256="0" * 64)
    with pytest.raises(ModelError, match=f"net.onnx: has the SHA-256 .*, expected {'0' * 64}"):
        estimate(path)
    (tmp_path / "net.onnx").unlink()
    with pytest.raises(ModelError, match="there is no such model file; 'model' and 'sha256' stand"):
        estimate(path)


@pytest.mark.parametrize(
    ("output", "shape", "fault"),
    [
        ({"kind": "rotation_matrix", "name": "other"}, (1, 3, SIDE, SIDE), r"no output 'other'"),
        ({"kind": "euler", "names": ["pose"]}, (1, 3, SIDE, SIDE), r"has the shape \[1, 3, 3\]; 3"),
        ({"kind": "rotation_matrix", "name": "pose"}, (1, 3, 8, 8), r"declared is one .*\(nchw\)"),
        ({"kind": "rotation_matrix", "name": "pose"}, (1, SIDE, SIDE, 3), r"declared is one"),
    ],
)
def test_other_shapes_are_named(
    tmp_path: Path, output: dict[str, Any], shape: tuple[int, ...], fault: str
) -> None:
    sha256 = save(tmp_path / "net.onnx", {"pose": np.eye(3)[None]}, shape=shape)
    with pytest.raises(ModelError, match=fault):
        estimate(declare(tmp_path, sha256, output))


def test_free_sizes_are_looked_at_when_it_runs(tmp_path: Path) -> None:
    sha256 = save(tmp_path / "net.onnx", {"pose": None}, shape=("n", 3, "h", "w"))
    assert angles(estimate(declare(tmp_path, sha256, {"kind": "euler", "names": ["pose"]})))
    path = declare(tmp_path, sha256, {"kind": "rotation_matrix", "name": "pose"})
    with pytest.raises(ModelError, match="output 'pose' has 3 numbers, 9 are declared"):
        estimate(path)


def test_a_text_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_text("not a model at all")
    sha256 = hashlib.sha256((tmp_path / "net.onnx").read_bytes()).hexdigest()
    path = declare(tmp_path, sha256, {"kind": "rotation_matrix", "name": "pose"})
    with pytest.raises(ModelError, match="is not an ONNX model that can be run") as caught:
        estimate(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("model: !!python/object/apply:os.system [ls]", "is not plain YAML"),
        ("- 1", "expected keys and values"),
        ("model: a.onnx", "net.yaml: 'sha256': Field required"),
        ("sha256: 12", "'model': Field required"),
    ],
)
def test_a_bad_declaration_is_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=fault):
        estimate(path)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"convention": "hopenet"}, "'convention': unknown angle convention 'hopenet'"),
        ({"sha256": "abc"}, "'sha256'"),
        ({"input": {"size": SIDE, "std": [1, 0, 1]}}, "'input.std': expected three numbers"),
        ({"input": {"size": SIDE, "mean": [0, float("nan"), 0]}}, "'input.mean.1'"),
        ({"input": {"size": SIDE, "gamma": 2}}, "'input.gamma': unknown key"),
        ({"output": {"kind": "quaternion", "name": "q"}}, "'output'"),
        ({"output": {"kind": "euler", "names": ["a", "b"]}}, "expected the name of one output"),
        (
            {"output": {"kind": "euler", "names": ["a"], "order": ["yaw", "yaw", "roll"]}},
            "expected yaw, pitch and roll, each once",
        ),
    ],
)
def test_impossible_declarations_are_named(
    tmp_path: Path, changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault):
        estimate(matrix_net(tmp_path, np.eye(3), **changes))


def test_the_examples_of_the_documentation_are_declarations(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "pose-networks.md"
    examples = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    kinds = []
    for number, text in enumerate(examples):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        kinds.append(read_declaration(path).output.kind)
    assert kinds == ["rotation_matrix", "bins", "euler"]


def test_a_missing_runtime_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = matrix_net(tmp_path, np.eye(3))
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.setattr(sys, "path_importer_cache", {})
    monkeypatch.setattr(sys, "meta_path", [f for f in sys.meta_path if not _finds_packages(f)])
    with pytest.raises(MissingExtraError, match=r"'onnxruntime' is not installed.*\[export\]"):
        estimate(path)


def _finds_packages(finder: object) -> bool:
    find = getattr(finder, "find_spec", None)
    return find is not None and find("onnxruntime", None) is not None
