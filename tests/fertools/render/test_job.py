from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fertools.errors import ConfigError, DatasetError, ManifestError, ScanError
from fertools.home import describe_root
from fertools.manifest import read_manifest
from fertools.render.job import RenderConfig, RenderSummary, index_rendered, render_bu3dfe

Make = Callable[..., Path]
SMALL = RenderConfig(image_size=16, supersample=1)


def render(root: Path, out: Path, config: RenderConfig = SMALL, workers: int = 1) -> RenderSummary:
    return render_bu3dfe(describe_root("bu3dfe", root), out, config, workers=workers)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_p1_has_five_views_of_every_scan(tmp_path: Path, make_bu3dfe: Make) -> None:
    summary = render(make_bu3dfe(tmp_path / "in", levels=(1, 2, 3, 4)), tmp_path / "out")
    frame = read_manifest(tmp_path / "out").frame
    assert len(frame) == 5 * 4 * 6 * 2
    assert summary.missing_scans == ()
    assert sorted(frame["yaw_deg"].unique()) == pytest.approx([0, 30, 45, 60, 90])
    assert (frame["pitch_deg"] == 0).all()
    assert set(frame["pose_source"]) == {"ground_truth"}
    picture = np.asarray(Image.open(tmp_path / "out" / frame["image"].iloc[0]))
    assert picture.shape == (16, 16, 3)
    assert picture.max() > 0


def test_p2_takes_the_strongest_level_from_35_views(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1, levels=(3, 4))
    config = RenderConfig(views="p2", image_size=16, supersample=1)
    frame = render(root, tmp_path / "out", config).manifest.frame
    assert len(frame) == 35 * 6
    assert (frame["intensity"] == 4).all()
    assert np.allclose(frame["yaw_deg"].astype(float), frame["pan_deg"].astype(float), atol=1e-4)
    assert np.allclose(frame["pitch_deg"].astype(float), frame["tilt_deg"].astype(float), atol=1e-4)


def test_the_bytes_do_not_depend_on_the_number_of_workers(
    tmp_path: Path, make_bu3dfe: Make
) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    render(root, tmp_path / "one", workers=1)
    render(root, tmp_path / "two", workers=2)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_a_stopped_render_goes_on_where_it_was(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    whole = tmp_path / "whole"
    render(root, whole)
    damaged = root / "F0001" / "F0001_SA04WH_F3D.wrl"
    text = damaged.read_text()
    damaged.write_text(text[: len(text) // 2])
    with pytest.raises(ScanError, match=r"SA04WH_F3D\.wrl.*cut off"):
        render(root, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.parquet").exists()
    damaged.write_text(text)
    assert render(root, tmp_path / "out").num_rendered == 2
    assert files_of(tmp_path / "out") == files_of(whole)


def test_a_second_render_does_nothing(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    render(root, tmp_path / "out")
    assert render(root, tmp_path / "out").num_rendered == 0


def test_a_picture_cut_off_is_noticed_and_made_anew(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    before = files_of(render(root, tmp_path / "out").manifest.root)
    picture = tmp_path / "out" / "images" / "F0001" / "F0001_AN04_yaw00.png"
    picture.write_bytes(picture.read_bytes()[:40])
    with pytest.raises(ManifestError, match=r"yaw00\.png: is missing or not the picture"):
        render(root, tmp_path / "out")
    assert render(root, tmp_path / "out").num_rendered == 1
    assert files_of(tmp_path / "out") == before


def test_another_size_in_the_same_folder_is_refused(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    render(root, tmp_path / "out")
    with pytest.raises(ConfigError, match="image_size 16 there, 20 now"):
        render(root, tmp_path / "out", RenderConfig(image_size=20, supersample=1))


def test_missing_scans_are_named(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    config = RenderConfig(views="p2", image_size=16, supersample=1)
    (root / "F0001" / "F0001_FE04WH_F3D.wrl").unlink()
    assert render(root, tmp_path / "out", config).missing_scans == ("F0001_FE04",)


def test_a_set_without_the_level_is_refused(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", levels=(1,))
    with pytest.raises(DatasetError, match="has no scan of intensity 4"):
        render(root, tmp_path / "out", RenderConfig(views="p2"))


def test_landmarks_of_another_mesh_are_refused(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    bnd = root / "F0001" / "F0001_AN04WH_F3D.bnd"
    bnd.write_text(bnd.read_text().replace(bnd.read_text().split()[0], "99999", 1))
    with pytest.raises(ScanError, match="names vertex 99999"):
        render(root, tmp_path / "out")


def test_frontal_landmarks_lie_on_the_face(tmp_path: Path, make_bu3dfe: Make) -> None:
    render(make_bu3dfe(tmp_path / "in", subjects=1), tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "landmarks.parquet").to_pandas()
    row = table[table["sample_id"] == "F0001_AN04_yaw00"].iloc[0]
    picture = np.asarray(Image.open(tmp_path / "out/images/F0001/F0001_AN04_yaw00.png"))
    assert len(row["x"]) == 83
    assert (picture[row["y"].astype(int), row["x"].astype(int)].max(axis=1) > 0).all()
    assert row["visible"].all()


def test_a_folder_that_holds_no_render_cannot_be_indexed(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="is no rendered set"):
        index_rendered(tmp_path)


def test_an_edited_record_is_refused(tmp_path: Path, make_bu3dfe: Make) -> None:
    root = make_bu3dfe(tmp_path / "in", subjects=1)
    render(root, tmp_path / "out")
    record = tmp_path / "out" / "records" / "F0001_AN04.json"
    whole = record.read_text()
    for text in (whole.replace("anger", "fear", 1), '{"rows":5,"landmarks":[]}', "[" * 100_000):
        record.write_text(text)
        with pytest.raises(ManifestError, match=r"F0001_AN04\.json: is damaged.*render again"):
            index_rendered(tmp_path / "out")
