from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from fertools.errors import ConfigError, DatasetError, ManifestError, OutputError, ScanError
from fertools.formats.bu3dfe import SUBJECTS
from fertools.geometry import angles_from_rotation, rotation_from_angles
from fertools.home import describe_root
from fertools.jobs import Shard, hold_folder
from fertools.manifest import read_manifest
from fertools.render.frontal import FRONTAL_LANDMARKS, FRONTAL_TEMPLATE_MM
from fertools.render.job import RenderSummary, render_bu3dfe
from fertools.render.merge import merge_rendered
from fertools.render.recipe import RenderConfig
from fertools.render.scan_job import OnError
from fertools.render.views import P1, P2, Grid, RandomViews, Turning, ViewSet

Make = Callable[..., Path]
SMALL = RenderConfig(image_size=16, supersample=1)


def render(
    root: Path,
    out: Path,
    config: RenderConfig = SMALL,
    *,
    workers: int = 1,
    shard: str | None = None,
    on_error: OnError = "stop",
) -> RenderSummary:
    return render_bu3dfe(
        describe_root("bu3dfe", root),
        out,
        config,
        workers=workers,
        shard=Shard.parse(shard) if shard else None,
        on_error=on_error,
    )


def frame_of(summary: RenderSummary) -> pd.DataFrame:
    assert summary.manifest is not None
    return summary.manifest.frame


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def damage(path: Path) -> None:
    text = path.read_text()
    path.write_text(text[: len(text) // 2])


class TestTheSets:
    def test_p1_has_five_views_of_every_scan(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        summary = render(make_bu3dfe(tmp_path / "in", levels=(1, 2, 3, 4)), tmp_path / "out")
        frame = read_manifest(tmp_path / "out").frame
        assert len(frame) == 5 * 4 * 6 * 2
        assert summary.plan.missing == ()
        assert len(summary.plan.absent_subjects) == 98
        assert sorted(frame["yaw_deg"].unique()) == pytest.approx([0, 30, 45, 60, 90])
        assert (frame["pitch_deg"] == 0).all()
        assert set(frame["pose_source"]) == {"ground_truth"}
        picture = cv2.imread(str(tmp_path / "out" / frame["image"].iloc[0]))
        assert picture is not None
        assert picture.shape == (16, 16, 3)
        assert picture.max() > 0

    def test_p2_takes_the_strongest_level_from_35_views(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1, levels=(3, 4))
        config = SMALL.model_copy(update={"views": P2})
        frame = frame_of(render(root, tmp_path / "out", config))
        assert len(frame) == 35 * 6
        assert (frame["intensity"] == 4).all()
        for resulting, nominal in (("yaw_deg", "pan_deg"), ("pitch_deg", "tilt_deg")):
            assert np.allclose(frame[resulting].astype(float), frame[nominal].astype(float))

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("views", "levels", "count"), [(P1, (1, 2, 3, 4), 12_000), (P2, (4,), 21_000)]
    )
    def test_of_100_subjects_p1_is_12000_samples_and_p2_21000(
        self,
        tmp_path: Path,
        make_bu3dfe: Make,
        views: ViewSet,
        levels: tuple[int, ...],
        count: int,
    ) -> None:
        one = make_bu3dfe(tmp_path / "one", subjects=1, levels=levels)
        root = tmp_path / "all"
        for subject in SUBJECTS:
            (root / subject).mkdir(parents=True)
            for path in (one / "F0001").iterdir():
                os.link(path, root / subject / path.name.replace("F0001", subject))
        shutil.copy(one / "SYNTHETIC.json", root)
        config = RenderConfig(views=views, image_size=8, supersample=1)
        summary = render(root, tmp_path / "out", config, workers=2)
        assert len(frame_of(summary)) == count == views.expected_samples
        assert (summary.plan.missing, summary.plan.absent_subjects) == ((), ())

    def test_neutral_scans_come_on_request(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        source = root / "F0001" / "F0001_AN04WH_F3D.wrl"
        for suffix in (".wrl", ".bmp", ".bnd"):
            shutil.copy(source.with_suffix(suffix), root / "F0001" / f"F0001_NE00WH_F3D{suffix}")
        assert "neutral" not in set(frame_of(render(root, tmp_path / "a"))["expression"])
        config = SMALL.model_copy(update={"with_neutral": True})
        neutral = frame_of(render(root, tmp_path / "b", config)).query("expression == 'neutral'")
        assert len(neutral) == 5
        assert neutral["intensity"].isna().all()

    def test_missing_scans_are_named(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        (root / "F0001" / "F0001_FE04WH_F3D.wrl").unlink()
        config = SMALL.model_copy(update={"views": P2})
        summary = render(root, tmp_path / "out", config)
        assert summary.plan.missing == ("F0001_FE04",)
        written = yaml.safe_load((tmp_path / "out" / "render.yaml").read_text())
        assert written["missing_scans"] == ["F0001_FE04"]
        assert written["samples_of_the_full_set"] == 21_000

    def test_a_set_without_the_level_is_refused(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", levels=(1,))
        with pytest.raises(DatasetError, match="has no scan of intensity 4"):
            render(root, tmp_path / "out", SMALL.model_copy(update={"views": P2}))

    def test_order_and_sign_turn_the_pose_and_leave_the_nominal_angles(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        views = ViewSet(name="mine", intensities=(4,), grid=Grid(pan=(40,), tilt=(20,)))
        turning = Turning(rotation_order="XYZ", yaw_sign=-1)
        config = SMALL.model_copy(update={"views": views, "turning": turning})
        row = frame_of(render(root, tmp_path / "out", config)).iloc[0]
        assert (row["pan_deg"], row["tilt_deg"]) == (40, 20)
        pitch_first = rotation_from_angles(0, 20) @ rotation_from_angles(-40)
        expected = angles_from_rotation(pitch_first)
        assert (row["yaw_deg"], row["pitch_deg"], row["roll_deg"]) == pytest.approx(expected, 1e-5)

    def test_random_views_stand_in_the_manifest(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        views = ViewSet(name="wild", random=RandomViews(count=3, pan=(-60, 60), roll=(-10, 10)))
        frame = frame_of(render(root, tmp_path / "out", SMALL.model_copy(update={"views": views})))
        assert len(frame) == 18
        assert frame["yaw_deg"].nunique() == 18
        assert np.allclose(frame["nominal_roll_deg"], frame["roll_deg"].astype(float), atol=1e-4)


class TestWhatIsWritten:
    def test_frontal_landmarks_lie_on_the_face(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        render(make_bu3dfe(tmp_path / "in", subjects=1), tmp_path / "out")
        table = pq.read_table(tmp_path / "out" / "landmarks.parquet").to_pandas()
        row = table[table["sample_id"] == "F0001_AN04_yaw00"].iloc[0]
        picture = cv2.imread(str(tmp_path / "out/images/F0001/F0001_AN04_yaw00.png"))
        assert picture is not None
        assert len(row["x"]) == 83
        assert (picture[row["y"].astype(int), row["x"].astype(int)].max(axis=1) > 0).all()
        assert row["visible"].all()

    def test_render_yaml_holds_options_and_the_digest_of_every_input(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        written = yaml.safe_load((tmp_path / "out" / "render.yaml").read_text())
        assert RenderConfig.model_validate(written["config"]) == SMALL
        assert written["synthetic"] is True
        inputs = {p.relative_to(root).as_posix() for p in root.rglob("F0001_*")}
        assert set(written["inputs"]) == inputs

    def test_layers_hold_depth_normals_and_mask(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        config = SMALL.model_copy(update={"layers": ("depth", "normals", "mask")})
        out = tmp_path / "out"
        row = frame_of(render(root, out, config)).iloc[0]
        depth = cv2.imread(str(out / row["depth"]), cv2.IMREAD_UNCHANGED)
        mask = cv2.imread(str(out / row["mask"]), cv2.IMREAD_UNCHANGED)
        normals = cv2.imread(str(out / row["normals"]), cv2.IMREAD_UNCHANGED)[..., ::-1]
        assert depth.dtype == np.float32
        assert np.array_equal(np.isfinite(depth), mask == 255)
        assert set(np.unique(mask)) == {0, 255}
        vectors = (normals[mask == 255].astype(float) - 1) / 32767 - 1
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        assert (normals[mask == 0] == 0).all()

    def test_jpeg_is_written_on_request(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        config = RenderConfig(image_size=16, image_format="jpeg")
        assert config.jpeg_quality == 95
        image = frame_of(render(root, tmp_path / "out", config))["image"].iloc[0]
        with Image.open(tmp_path / "out" / image) as picture:
            assert picture.format == "JPEG"

    def test_frontalise_says_which_way_a_stand_in_now_looks(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        for bnd in root.rglob("*.bnd"):  # the dome's points are no face: give it a turned one
            points = np.zeros((83, 3))
            turn = rotation_from_angles(6.0, 4.0, -2.0)
            points[list(FRONTAL_LANDMARKS)] = FRONTAL_TEMPLATE_MM @ turn.T
            bnd.write_text("".join(f"0\t\t{x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in points))
        config = RenderConfig(image_size=16, frontalise=True)
        row = frame_of(render(root, tmp_path / "out", config)).query("view_id == 'yaw00'").iloc[0]
        back = angles_from_rotation(rotation_from_angles(6.0, 4.0, -2.0).T)
        names = ("yaw_deg", "pitch_deg", "roll_deg")
        assert [row[f"frontal_{n}"] for n in names] == pytest.approx(back, abs=0.01)
        assert [row[n] for n in names] == pytest.approx(back, abs=0.01)  # the head's true pose
        assert row["pan_deg"] == 0

    def test_the_bytes_do_not_depend_on_the_number_of_workers(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "one", workers=1)
        render(root, tmp_path / "two", workers=2)
        assert files_of(tmp_path / "one") == files_of(tmp_path / "two")

    def test_the_bytes_do_not_depend_on_how_many_views_are_drawn_at_once(
        self, tmp_path: Path, make_bu3dfe: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        config = SMALL.model_copy(update={"views": P2, "layers": ("depth",)})
        render(root, tmp_path / "one", config)
        monkeypatch.setattr("fertools.render.scan_job._BATCH_BYTES", 16 * 16 * 20 * 4)
        render(root, tmp_path / "two", config)
        assert files_of(tmp_path / "one") == files_of(tmp_path / "two")

    @pytest.mark.slow
    def test_the_bytes_do_not_depend_on_the_processor(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        config = RenderConfig(
            views=ViewSet(name="some", intensities=(4,), grid=Grid(pan=(-40, 15), tilt=(0, 25))),
            image_size=48,
            projection="perspective",
            light="lambert",
            layers=("depth", "normals", "mask"),
        )
        render(root, tmp_path / "here", config)
        code = (
            "import sys; from pathlib import Path; from fertools.home import describe_root; "
            "from fertools.render.job import render_bu3dfe; "
            "from fertools.render.recipe import RenderConfig; "
            "render_bu3dfe(describe_root('bu3dfe', Path(sys.argv[1])), Path(sys.argv[2]), "
            "RenderConfig.model_validate_json(sys.argv[3]))"
        )
        oldest = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}
        words = [str(root), str(tmp_path / "there"), config.model_dump_json()]
        subprocess.run(
            [sys.executable, "-P", "-c", code, *words],
            check=True,
            capture_output=True,
            env={**os.environ, **oldest, "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
        )
        assert any((tmp_path / "cache").rglob("*.nbc"))  # it was compiled anew, for that processor
        assert files_of(tmp_path / "here") == files_of(tmp_path / "there")


class TestGoingOn:
    def test_a_stopped_render_goes_on_where_it_was(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        whole = tmp_path / "whole"
        render(root, whole)
        damaged = root / "F0001" / "F0001_SA04WH_F3D.wrl"
        text = damaged.read_text()
        damage(damaged)
        with pytest.raises(ScanError, match=r"SA04WH_F3D\.wrl.*cut off"):
            render(root, tmp_path / "out")
        assert not (tmp_path / "out" / "manifest.parquet").exists()
        damaged.write_text(text)
        assert render(root, tmp_path / "out").num_rendered == 2
        assert files_of(tmp_path / "out") == files_of(whole)

    def test_a_second_render_does_nothing(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        assert render(root, tmp_path / "out").num_rendered == 0

    def test_a_file_that_was_only_touched_is_not_rendered_again(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        os.utime(root / "F0001" / "F0001_SA04WH_F3D.wrl", (2**31, 2**31))
        assert render(root, tmp_path / "out").num_rendered == 0

    @pytest.mark.parametrize("suffix", [".wrl", ".bmp", ".bnd"])
    def test_a_scan_whose_file_changed_is_rendered_again(
        self, tmp_path: Path, make_bu3dfe: Make, suffix: str
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        one, other = (root / "F0001" / f"F0001_{c}04WH_F3D{suffix}" for c in ("SA", "SU"))
        one.write_bytes(other.read_bytes())
        os.utime(one, (2**31, 2**31))
        assert render(root, tmp_path / "out").num_rendered == 1
        render(root, tmp_path / "new")
        after, new = files_of(tmp_path / "out"), files_of(tmp_path / "new")
        assert after == new

    def test_a_picture_cut_off_is_made_anew(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        before = files_of(tmp_path / "out")
        picture = tmp_path / "out" / "images" / "F0001" / "F0001_AN04_yaw00.png"
        picture.write_bytes(picture.read_bytes()[:40])
        assert render(root, tmp_path / "out").num_rendered == 1
        assert files_of(tmp_path / "out") == before

    def test_a_picture_of_the_same_size_with_other_bytes_is_noticed(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        before = files_of(tmp_path / "out")
        picture = tmp_path / "out" / "images" / "F0001" / "F0001_AN04_yaw00.png"
        picture.write_bytes(bytes(len(picture.read_bytes())))
        with pytest.raises(ManifestError, match=r"yaw00\.png: is missing or not the picture"):
            merge_rendered(tmp_path / "out")
        assert render(root, tmp_path / "out").num_rendered == 1
        assert files_of(tmp_path / "out") == before

    def test_a_scan_that_came_later_is_added(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        late = root / "F0001" / "F0001_FE04WH_F3D.wrl"
        text = late.read_text()
        late.unlink()
        render(root, tmp_path / "out")
        late.write_text(text)
        assert render(root, tmp_path / "out").num_rendered == 1

    @pytest.mark.parametrize("text", ['{"rows":5}', "[" * 100_000, "", "\xff"])
    def test_a_damaged_record_is_named_and_its_scan_made_anew(
        self, tmp_path: Path, make_bu3dfe: Make, text: str
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        before = files_of(tmp_path / "out")
        record = tmp_path / "out" / "records" / "F0001_AN04.json"
        record.write_text(text)
        with pytest.raises(ManifestError, match=r"F0001_AN04\.json: is damaged.*render again"):
            merge_rendered(tmp_path / "out")
        assert render(root, tmp_path / "out").num_rendered == 1
        assert files_of(tmp_path / "out") == before

    def test_pictures_without_a_plan_are_not_taken_for_others(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        (tmp_path / "out" / "records" / "plan.json").unlink()
        with pytest.raises(ConfigError, match=r"plan\.json is gone.*delete the folder"):
            render(root, tmp_path / "out", RenderConfig(image_size=16, light="lambert"))

    @pytest.mark.parametrize(
        "change",
        [
            {"rows": []},
            {"landmarks": []},
            {"scan_id": "F0001_DI04"},
            {"files": None},
            {"files": {"/dev/zero": {"bytes": 0, "sha256": "0" * 64}}},
            {"inputs": 7},
            {"inputs": {"../a": {"bytes": 1, "sha256": "0" * 64}}},
            {"more": 1},
        ],
    )
    def test_a_record_that_does_not_hold_together_is_refused(
        self, tmp_path: Path, make_bu3dfe: Make, change: dict[str, object]
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        path = tmp_path / "out" / "records" / "F0001_AN04.json"
        body = {**json.loads(path.read_text())["record"], **change}
        text = json.dumps(body, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        path.write_text(f'{{"digest": "{digest}", "record": {text}}}')
        with pytest.raises(ManifestError, match=r"F0001_AN04\.json: is damaged"):
            merge_rendered(tmp_path / "out")
        assert render(root, tmp_path / "out").num_rendered == 1

    @pytest.mark.parametrize("scans", [5, None, [1], ["../../victim"]])
    def test_a_plan_that_names_no_scans_is_refused(
        self, tmp_path: Path, make_bu3dfe: Make, scans: object
    ) -> None:
        render(make_bu3dfe(tmp_path / "in", subjects=1), tmp_path / "out")
        path = tmp_path / "out" / "records" / "plan.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "scans": scans}))
        with pytest.raises(ManifestError, match=r"plan\.json: is damaged; delete the folder"):
            merge_rendered(tmp_path / "out")

    def test_files_that_are_not_ours_stay(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        (tmp_path / "out" / "sub").mkdir(parents=True)
        theirs = [tmp_path / "out" / ".partial-a.txt", tmp_path / "out" / "sub" / ".partial-b.png"]
        for path in theirs:
            path.touch()
        render(make_bu3dfe(tmp_path / "in", subjects=1), tmp_path / "out")
        assert all(path.exists() for path in theirs)

    def test_an_edited_record_is_refused(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        record = tmp_path / "out" / "records" / "F0001_AN04.json"
        record.write_text(record.read_text().replace("anger", "fear", 1))
        with pytest.raises(ManifestError, match="is damaged or was edited"):
            merge_rendered(tmp_path / "out")

    def test_other_options_in_the_same_folder_are_refused(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        with pytest.raises(ConfigError, match="image_size 16 there, 20 now"):
            render(root, tmp_path / "out", RenderConfig(image_size=20, supersample=1))
        with pytest.raises(ConfigError, match=r"views 'p1' .* there, 'p2' .* now"):
            render(root, tmp_path / "out", SMALL.model_copy(update={"views": P2}))

    def test_two_renders_into_one_folder_are_refused(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        with (
            hold_folder(tmp_path / "out"),
            pytest.raises(OutputError, match="another process is writing here"),
        ):
            render(root, tmp_path / "out")


class TestShards:
    def test_shards_and_merge_give_the_bytes_of_one_render(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in")
        render(root, tmp_path / "whole")
        for shard in ("3/3", "1/3"):
            summary = render(root, tmp_path / "out", shard=shard)
            assert summary.manifest is None
            assert summary.num_scans == 4
        with pytest.raises(ManifestError, match=r"4 of 12 scans are not rendered yet \(F0001_DI04"):
            merge_rendered(tmp_path / "out")
        render(root, tmp_path / "out", shard="2/3")
        merge_rendered(tmp_path / "out")
        assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")

    def test_shards_in_folders_of_their_own_are_taken_in(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "whole")
        for number in (1, 2, 3):
            render(root, tmp_path / f"part{number}", shard=f"{number}/3")
        merge_rendered(tmp_path / "out", [tmp_path / f"part{number}" for number in (1, 2, 3)])
        assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")

    def test_a_shard_without_a_scan_is_done_at_once(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        assert render(root, tmp_path / "out", shard="50/100").num_scans == 0

    def test_parts_of_other_renders_are_refused(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "a", shard="1/2")
        render(root, tmp_path / "b", RenderConfig(image_size=20, supersample=1), shard="2/2")
        with pytest.raises(ConfigError, match="image_size 16 there, 20 now"):
            merge_rendered(tmp_path / "a", [tmp_path / "b"])
        with pytest.raises(ConfigError, match="is the folder to merge into"):
            merge_rendered(tmp_path / "a", [tmp_path / "a"])

    def test_shards_of_a_set_that_changed_are_refused(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out", shard="1/2")
        (root / "F0001" / "F0001_FE04WH_F3D.wrl").unlink()
        with pytest.raises(ConfigError, match="had 6 scans then and has 5 now"):
            render(root, tmp_path / "out", shard="2/2")

    def test_a_part_that_is_damaged_or_made_from_other_files_takes_nothing_away(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "a", shard="1/1")
        before = files_of(tmp_path / "a")
        damage(root / "F0001" / "F0001_SA04WH_F3D.wrl")
        render(root, tmp_path / "skipped", shard="1/1", on_error="skip")
        assert merge_rendered(tmp_path / "a", [tmp_path / "skipped"]).skipped == ()
        one, other = (root / "F0001" / f"F0001_{code}04WH_F3D.bmp" for code in ("AN", "SU"))
        one.write_bytes(other.read_bytes())
        render(root, tmp_path / "other", shard="1/1", on_error="skip")
        with pytest.raises(ConfigError, match="made F0001_AN04 from other files"):
            merge_rendered(tmp_path / "a", [tmp_path / "other"])
        picture = next((tmp_path / "skipped" / "images" / "F0001").glob("*DI04*"))
        picture.write_bytes(b"x")
        with pytest.raises(ManifestError, match=r"skipped/images.* render that part again"):
            merge_rendered(tmp_path / "new", [tmp_path / "skipped"])
        after = files_of(tmp_path / "a")
        assert {name: after[name] for name in before} == before

    def test_a_folder_that_holds_no_render_cannot_be_merged(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="is no rendered set"):
            merge_rendered(tmp_path)
        with pytest.raises(ManifestError, match="is no rendered set"):
            merge_rendered(tmp_path / "none")
        assert list(tmp_path.iterdir()) == []


class TestFaults:
    def test_skip_leaves_a_damaged_scan_out_and_says_so(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        damage(root / "F0001" / "F0001_SA04WH_F3D.wrl")
        (root / "F0001" / "F0001_AN05WH_F3D.wrl").write_text("")
        with pytest.raises(DatasetError, match=r"AN05WH_F3D\.wrl: .*or leave .*--on-error skip"):
            render(root, tmp_path / "out")
        summary = render(root, tmp_path / "out", on_error="skip")
        assert len(frame_of(summary)) == 25
        assert len(summary.skipped) == 2
        assert "AN05WH_F3D.wrl" in summary.skipped[0]
        assert "SA04WH_F3D.wrl" in summary.skipped[1]
        written = yaml.safe_load((tmp_path / "out" / "render.yaml").read_text())
        assert written["skipped"] == list(summary.skipped)
        assert merge_rendered(tmp_path / "out").skipped == summary.skipped

    def test_a_name_that_is_not_utf8_is_left_out_and_named(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        try:
            os.mkdir(os.fsencode(root) + b"/F0002\xff")  # noqa: PTH102 - bytes
        except OSError:
            pytest.skip("this file system takes only UTF-8")
        summary = render(root, tmp_path / "out", on_error="skip")
        assert summary.skipped[0].startswith("F0002\\udcff: the name begins like")

    def test_a_skipped_scan_that_was_mended_is_rendered(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        damaged = root / "F0001" / "F0001_SA04WH_F3D.wrl"
        text = damaged.read_text()
        damage(damaged)
        render(root, tmp_path / "out", on_error="skip")
        damaged.write_text(text)
        summary = render(root, tmp_path / "out", on_error="skip")
        assert (summary.num_rendered, summary.skipped) == (1, ())
        render(root, tmp_path / "whole")
        assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")

    def test_a_scan_damaged_later_is_no_longer_in_the_manifest(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        render(root, tmp_path / "out")
        damage(root / "F0001" / "F0001_SA04WH_F3D.wrl")
        assert len(frame_of(render(root, tmp_path / "out", on_error="skip"))) == 25

    def test_where_nothing_can_be_rendered_it_is_an_error(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        for path in root.rglob("*.wrl"):
            damage(path)
        with pytest.raises(ScanError, match="no scan could be rendered; the first: "):
            render(root, tmp_path / "out", on_error="skip")

    def test_a_grey_face_stands_for_a_missing_texture(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        (root / "F0001" / "F0001_SA04WH_F3D.bmp").unlink()
        with pytest.raises(ScanError, match=r"SA04WH_F3D\.bmp: the texture is missing"):
            render(root, tmp_path / "a")
        config = RenderConfig(image_size=16, missing_texture="grey")
        frame = frame_of(render(root, tmp_path / "b", config))
        assert sorted(frame.loc[~frame["textured"].astype(bool), "scan_id"].unique()) == [
            "F0001_SA04"
        ]
        assert render(root, tmp_path / "b", config).num_rendered == 0

    def test_landmarks_of_another_mesh_are_refused(self, tmp_path: Path, make_bu3dfe: Make) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        bnd = root / "F0001" / "F0001_AN04WH_F3D.bnd"
        bnd.write_text(bnd.read_text().replace(bnd.read_text().split()[0], "99999", 1))
        with pytest.raises(ScanError, match="names vertex 99999"):
            render(root, tmp_path / "out")

    def test_a_stand_in_without_its_mark_is_refused(
        self, tmp_path: Path, make_bu3dfe: Make
    ) -> None:
        root = make_bu3dfe(tmp_path / "in", subjects=1)
        (root / "SYNTHETIC.json").unlink()
        for path in root.rglob("*.wrl"):
            path.write_text(path.read_text().replace("# a comment", "# Synthetic stand-in", 1))
        with pytest.raises(DatasetError, match=r"SYNTHETIC\.json is missing"):
            render(root, tmp_path / "out")
