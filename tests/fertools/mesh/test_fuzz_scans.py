"""Whatever bytes a scan's files hold, it is rendered or refused in one line.

``benchmarks/fuzz_scans.py`` does the same at length.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fertools.errors import FertoolsError
from fertools.formats.bu3dfe import ScanFiles, read_landmarks, read_scan, scan_files
from fertools.geometry import rotation_from_angles
from fertools.render.camera import Camera
from fertools.render.scene import render_scan

SIZE = 32
ROTATIONS = [rotation_from_angles(yaw, pitch) for yaw, pitch in ((0, 0), (-45, 30), (90, 0))]
CAMERAS = [(Camera(SIZE, 220.0), None), (Camera(SIZE, 220.0, 600.0), 0.1)]
TEXT = st.sampled_from(
    [b"[", b"]", b"{", b"}", b'"', b"#", b",", b"\r", b" -1 ", b" 0 ", b" nan ", b" 1e308 ",
     b" -1e7 ", b" 9999999999 ", b" 1e-320 ", b" 0 0 0 ", b" point [", b" coordIndex [", b" DEF ",
     b"USE c", b"Transform { scale 2 2 2 ", b"IndexedFaceSet {", b"\x00", b"\xef\xbb\xbf", b"-"]
)  # fmt: skip
PAYLOAD = st.one_of(TEXT, st.binary(max_size=6))
CHANGE = st.tuples(
    st.sampled_from(["wrl", "wrl", "wrl", "bnd", "bmp"]),
    st.sampled_from(["write over", "insert", "leave out", "repeat", "cut off"]),
    st.floats(0, 1),
    st.integers(1, 200),
    PAYLOAD,
)


def changed(data: bytes, kind: str, place: float, length: int, payload: bytes) -> bytes:
    start = int(place * len(data))
    if kind == "cut off":
        return data[:start]
    stop = start + (len(payload) if kind == "write over" else length)
    middle = {"leave out": b"", "repeat": data[start:stop] * 2}.get(kind, payload)
    return data[:start] + middle + data[start if kind == "insert" else stop :]


@pytest.fixture
def intact(tmp_path: Path, make_bu3dfe: Callable[..., Path]) -> tuple[ScanFiles, dict[str, bytes]]:
    files = scan_files(make_bu3dfe(tmp_path, subjects=1) / "F0001" / "F0001_AN04WH_F3D.wrl")
    paths = (files.wrl, files.landmarks, files.texture)
    return files, {path.suffix[1:]: path.read_bytes() for path in paths}


def refusal(action: Callable[[], object]) -> str | None:
    """The message of a clear error; None where there was none. Other errors are the test's."""
    try:
        action()
    except FertoolsError as error:
        return str(error)
    return None


def check(files: ScanFiles) -> None:
    """Read and render a scan; every refusal is one line, and of a file it begins with its path."""

    def read() -> None:
        scan = read_scan(files)
        read_landmarks(files, scan)

    if (message := refusal(read)) is not None:
        assert message.startswith(f"{files.wrl.parent}/")
        assert "\n" not in message
        return
    scan = read_scan(files)
    points = read_landmarks(files, scan)
    for camera, margin in CAMERAS:

        def render(camera: Camera = camera, margin: float | None = margin) -> None:
            done = render_scan(scan, ROTATIONS, camera=camera, landmarks=points, fit_margin=margin)
            assert done.pictures.shape == (len(ROTATIONS), SIZE, SIZE, 3)
            assert np.isfinite(done.landmarks).all()

        assert "\n" not in (refusal(render) or "")


@settings(
    derandomize=True,
    deadline=None,
    max_examples=400,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=st.lists(CHANGE, min_size=1, max_size=3))
def test_a_changed_scan_is_rendered_or_refused_in_one_line(
    intact: tuple[ScanFiles, dict[str, bytes]], changes: list[tuple[str, str, float, int, bytes]]
) -> None:
    files, contents = intact
    data = dict(contents)
    for suffix, kind, place, length, payload in changes:
        data[suffix] = changed(data[suffix], kind, place, length, payload)
    for suffix, content in data.items():
        files.wrl.with_suffix(f".{suffix}").write_bytes(content)
    check(files)


def test_the_unchanged_scan_is_rendered(intact: tuple[ScanFiles, dict[str, bytes]]) -> None:
    files, _ = intact
    scan = read_scan(files)
    rendering = render_scan(
        scan, ROTATIONS, camera=CAMERAS[0][0], landmarks=read_landmarks(files, scan)
    )
    assert rendering.pictures.any()
    assert rendering.visible.any()
