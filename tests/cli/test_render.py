from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from cli.fertools_app import app
from fertools.manifest import read_manifest
from fertools.render.recipe import RenderConfig

Make = Callable[..., Path]
RUNNER = CliRunner()
SMALL = ("--image-size", "16", "--supersample", "1", "--workers", "1")


def call(*words: str | Path, status: int = 0) -> tuple[str, str]:
    result = RUNNER.invoke(app, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


def config_of(folder: Path) -> RenderConfig:
    written = yaml.safe_load((folder / "render.yaml").read_text())
    return RenderConfig.model_validate(written["config"])


def test_the_full_count_and_what_is_missing_are_said(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=3)
    (root / "F0002" / "F0002_SU04WH_F3D.wrl").unlink()
    out, errors = call("render-bu3dfe", root, *SMALL, "--views", "p2", "--out", tmp_path / "out")
    assert "595 pictures of 3 subjects (17 of 17 scans rendered now)" in out
    assert "p2 of 100 subjects has exactly 21,000: 2.8% of it (synthetic)" in out
    assert "not in this set: 97 subjects, F0003 to F0056, M0002 to M0044" in errors
    assert "missing scans of the subjects here: 1: F0002_SU04" in errors


def test_a_scan_left_out_is_listed_and_the_status_is_3(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    (root / "F0001" / "F0001_SU04WH_F3D.wrl").write_text("#VRML V2.0 utf8\n")
    words = ("render-bu3dfe", root, *SMALL, "--out", tmp_path / "out")
    assert "F0001_SU04WH_F3D.wrl" in call(*words, status=1)[1]
    for again in range(2):
        out, errors = call(*words, "--on-error", "skip", status=3)
        assert out.splitlines()[-1] == str(tmp_path / "out" / "manifest.parquet")
        assert "skipped: " in errors, again
        assert "F0001_SU04WH_F3D.wrl: holds no IndexedFaceSet" in errors
        assert "1 left out" in errors
    assert "skipped: " in call("merge", tmp_path / "out", status=3)[1]


def test_shards_and_merge(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    words = ("render-bu3dfe", root, *SMALL)
    out, _ = call(*words, "--out", tmp_path / "a", "--shard", "1/2")
    assert out.startswith("shard 1/2 is done (3 of 3 scans rendered now)")
    assert "3 of 6 scans are not rendered yet" in call("merge", tmp_path / "a", status=1)[1]
    call(*words, "--out", tmp_path / "b", "--shard", "2/2")
    out, _ = call("merge", tmp_path / "a", tmp_path / "b")
    assert out.splitlines()[-1] == str(tmp_path / "a" / "manifest.parquet")
    assert "30 pictures of 1 subjects" in out


def test_an_earlier_render_lends_its_options(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    grid = tmp_path / "grid.yaml"
    grid.write_text("grid: {pan: [-20, 20], tilt: [0, 10]}\nintensities: [4]\n")
    words = [*SMALL, "--views", grid, "--background", "255, 250,0", "--yaw-sign", "-1"]
    words += ["--projection", "perspective", "--layers", "mask", "--light", "lambert"]
    call("render-bu3dfe", root, *words, "--out", tmp_path / "a")
    first = config_of(tmp_path / "a")
    assert first.background == (255, 250, 0)
    assert (first.views.name, first.distance_mm, first.turning.yaw_sign) == ("grid", 1000.0, -1)
    recipe = ("--config", tmp_path / "a" / "render.yaml")
    call("render-bu3dfe", root, *recipe, "--out", tmp_path / "b")
    assert config_of(tmp_path / "b") == first
    digest = [read_manifest(tmp_path / name).info.digest for name in ("a", "b")]
    assert digest[0] == digest[1]
    call("render-bu3dfe", root, *recipe, "--rotation-order", "XYZ", "--out", tmp_path / "c")
    third = config_of(tmp_path / "c")
    assert (third.turning.rotation_order, third.turning.yaw_sign) == ("XYZ", -1)
    # what depended on an option that is chosen anew is chosen anew as well
    other = ("--projection", "orthographic", "--light", "unlit", "--fit-margin", "0.1")
    call("render-bu3dfe", root, *recipe, *other, "--out", tmp_path / "d")
    fourth = config_of(tmp_path / "d")
    assert (fourth.distance_mm, fourth.ambient, fourth.window_mm) == (None, None, None)


def test_an_earlier_renders_other_input_files_are_named(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    call("render-bu3dfe", root, *SMALL, "--out", tmp_path / "a")
    recipe = ("--config", tmp_path / "a" / "render.yaml")
    _, errors = call("render-bu3dfe", root, *recipe, "--out", tmp_path / "b")
    assert "render.yaml: made from the same input files" in errors
    one, other = (root / "F0001" / f"F0001_{code}04WH_F3D.bmp" for code in ("SA", "SU"))
    one.write_bytes(other.read_bytes())
    _, errors = call("render-bu3dfe", root, *recipe, "--out", tmp_path / "c")
    assert "1 input files differ from this render's: F0001/F0001_SA04WH_F3D.bmp" in errors


def test_raw_has_a_wider_window(tmp_path: Path) -> None:
    assert RenderConfig(mesh="RAW").window_mm == 330.0
    assert RenderConfig().window_mm == 220.0


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--views", "none.yaml"], "none.yaml: cannot be read"),
        (["--background", "1,2"], "expected three numbers from 0 to 255"),
        (["--background", "1,2,256"], "'background.2'"),
        (["--yaw-sign", "2"], "'turning.yaw_sign'"),
        (["--layers", "depth,depth"], "layers: one is named twice"),
        (["--layers", "colour"], "'layers.0'"),
        (["--distance-mm", "600"], "only a perspective projection has a distance"),
        (["--jpeg-quality", "80"], "only JPEG has a quality"),
        (["--light-yaw-deg", "45"], "only light 'lambert' comes from somewhere"),
        (["--fit-margin", "0.1", "--window-mm", "150"], "a window is fitted or fixed; give one"),
        (["--frontalise", "--mesh", "RAW"], "needs the 83 landmarks of F3D"),
        (["--engine", "dask"], "--engine dask and --scheduler ADDRESS go together"),
        (["--shard", "3/2"], "expected I/N with I from 1 to N"),
        (["--config", "none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_options_that_cannot_be_are_one_clear_line(
    tmp_path: Path,
    make_bu3dfe: Make,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    match: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    _, errors = call("render-bu3dfe", root, "--out", tmp_path / "out", *words, status=1)
    line = errors.splitlines()[-1]
    assert line.startswith("error: ")
    assert match in line
    assert not (tmp_path / "out").exists()


def test_the_page_on_rendering_names_every_option() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rendering.md").read_text(encoding="utf-8")
    command = get_command(app).commands["render-bu3dfe"]  # type: ignore[attr-defined]
    options = [name for option in command.params for name in option.opts if name[:2] == "--"]
    assert len(options) > 25
    assert [name for name in options if f"`{name}`" not in page and name != "--help"] == []


class TestView:
    def test_a_scan_is_shown_from_all_views(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        wrl = root / "F0001" / "F0001_SU04WH_F3D.wrl"
        out, _ = call("view", wrl, "--cell-size", "160", "--out", tmp_path / "sheet.png")
        assert out.strip() == str(tmp_path / "sheet.png")
        with Image.open(tmp_path / "sheet.png") as page:
            red, green, blue = np.moveaxis(np.asarray(page.convert("RGB"), int), 2, 0)
        assert page.width > 7 * 160
        assert page.height > 6 * 160
        visible = (green > red + 80) & (green > blue + 80)
        assert visible.sum() > 100

    def test_a_name_is_looked_up_in_the_data_home(
        self, tmp_path: Path, make_bu3dfe: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FERTOOLS_DATA", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        make_bu3dfe(tmp_path / "standin" / "bu3dfe", subjects=1)
        views = tmp_path / "few.yaml"
        views.write_text("random: {count: 7, pan: [-90, 90], tilt: [-20, 20]}\n")
        out, _ = call("view", "f0001_su04", "--views", views, "--cell-size", "32")
        assert out.strip() == "F0001_SU04_F3D_views.png"
        assert (tmp_path / "F0001_SU04_F3D_views.png").is_file()
        _, errors = call("view", "F0009_SU04", status=1)
        assert "has no scan 'F0009_SU04' as F3D" in errors

    def test_a_path_that_is_no_scan_is_one_clear_line(self, tmp_path: Path) -> None:
        (tmp_path / "a.wrl").write_text("#VRML V2.0 utf8\n")
        for name, match in (("a.wrl", "does not follow"), ("b.wrl", "there is no such file")):
            _, errors = call("view", tmp_path / name, status=1)
            assert match in errors
            assert errors.startswith("error: ")
