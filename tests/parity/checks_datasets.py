"""Checks of samples, cameras, pictures and metric tables; limits as stated with the cases."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from models.datasets.human36m_labels import CAMERA_DTYPE, Labels, table_dtype
from models.datasets.human36m_multiview import Human36MMultiview, SampleOptions
from models.datasets.human36m_names import ACTION_TRIALS, CAMERAS, SUBJECTS
from models.datasets.input_picture import crop, normalise, resize
from models.datasets.network_camera import NetworkCamera, scaled_box, square_box
from models.datasets.results_file import Results
from models.datasets.single_view import SingleViews
from models.evaluation.human36m import JointSet, metric_tables, pose_errors
from models.evaluation.pose_2d import pose_2d_metric
from tests.parity.case import Case
from tests.parity.registry import check


def labels_of(case: Case) -> Labels:
    arrays = case.arrays
    table = np.zeros(len(arrays["subject_idx"]), table_dtype(len(CAMERAS)))
    for field in ("subject_idx", "action_idx", "frame_idx", "keypoints"):
        table[field] = arrays[field]
    table["bbox_by_camera_tlbr"] = arrays.get("bbox_tlbr", np.array([0, 0, 10, 10]))
    geometry = np.zeros((len(SUBJECTS), len(CAMERAS)), CAMERA_DTYPE)
    return Labels(SUBJECTS, CAMERAS, ACTION_TRIALS, geometry, table)


def compare_tables(case: Case, name: str, ours: dict[str, Any], theirs: dict[str, Any], limit: float) -> None:
    mine, expected = dict(leaves(ours)), dict(leaves(theirs))
    assert mine.keys() == expected.keys(), mine.keys() ^ expected.keys()
    order = sorted(mine)
    unit = "mm" if limit >= 1e-4 else ""
    case.within(name, [mine[key] for key in order], [expected[key] for key in order], limit, unit)


def leaves(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            found += leaves(value, f"{prefix}/{key}")
        else:
            found.append((f"{prefix}/{key}", value))
    return found


@check("fn_camera_image*")
def cameras_and_pictures(case: Case) -> None:
    arrays, parameters = case.arrays, case.meta["params"]
    for box in parameters["boxes"]:
        assert scaled_box(tuple(box["ltrb"]), box["scale"]) == tuple(box["scaled"])
        assert square_box(tuple(box["ltrb"])) == tuple(box["square"])
    for at, step in enumerate(parameters["sequence"]):
        given = {key: arrays[f"cam{at}_{key}"] for key in ("R", "t", "K")}
        camera = NetworkCamera.of(**given)
        cropped = camera.cropped(tuple(step["crop"]))
        resized = cropped.resized(tuple(step["before"]), tuple(step["after"]))
        # Both sides round to float32 after each step, so equality is meant.
        np.testing.assert_array_equal(cropped.K, arrays[f"cam{at}_K_crop"])
        np.testing.assert_array_equal(resized.K, arrays[f"cam{at}_K_resize"])
        for name, got in (("P", camera.projection), ("P_resize", resized.projection)):
            case.within(f"cam{at} {name}", got, arrays[f"cam{at}_{name}"], 1e-6, "relative")
        points = arrays[f"cam{at}_points"]
        case.within(f"cam{at} projected", resized.project(points), arrays[f"cam{at}_projected"], 2e-3, "px")
    for at in range(3):
        how = parameters[f"image{at}"]
        part = crop(arrays["image"], tuple(how["box"]))
        np.testing.assert_array_equal(part, arrays[f"crop{at}"])
        small = resize(part, tuple(how["shape"]))
        case.within(f"resized {at}", small, arrays[f"resized{at}"], 1.0, "grey levels")
        # The table of values is exact; the recorded ones were rounded to float32 once.
        case.within(f"normalised {at}", normalise(arrays[f"resized{at}"]), arrays[f"normalized{at}"], 1e-6)


@check("dataset_item*")
def sample(case: Case) -> None:
    arrays, meta = case.arrays, case.meta
    subject, action = SUBJECTS.index(meta["subject"]), ACTION_TRIALS.index(meta["action"])
    geometry = np.zeros((len(SUBJECTS), len(CAMERAS)), CAMERA_DTYPE)
    for field in ("R", "t", "K"):
        geometry[field][subject] = arrays[f"cam_{field}"]
    table = np.zeros(1, table_dtype(len(CAMERAS)))
    table["subject_idx"], table["action_idx"], table["frame_idx"] = subject, action, meta["frame_idx"]
    table["keypoints"], table["bbox_by_camera_tlbr"] = arrays["keypoints"], arrays["bbox_tlbr"]
    labels = Labels(SUBJECTS, CAMERAS, ACTION_TRIALS, geometry, table)
    with TemporaryDirectory() as folder:
        for view, name in enumerate(CAMERAS):
            path = Path(folder) / meta["subject"] / meta["action"] / "imageSequence" / name
            path.mkdir(parents=True)
            # Stored without loss, as when the case was recorded; only the file's name says otherwise.
            stored = cv2.imencode(".png", arrays["images"][view])[1]
            (path / f"img_{meta['frame_idx'] + 1:06d}.jpg").write_bytes(stored.tobytes())
        for variant, how in meta["variants"].items():
            options = SampleOptions(
                image_shape=tuple(meta["image_shape"]),
                scale_box=how["scale_bbox"],
                crop=how.get("crop", True),
                ignore_cameras=tuple(how.get("ignore_cameras", ())),
                undistort=False,
            )
            dataset = Human36MMultiview(Path(folder), labels, "val", options)
            found = dataset[0]
            shown = [CAMERAS[view] for view, there in zip(dataset.views, found.present, strict=True) if there]
            assert shown == how["cameras"]
            here = found.present
            grey = 1.0 / 255 / 0.224  # the smallest deviation in ``normalise``: one level at most
            case.within(f"{variant} images", found.images[here], arrays[f"out_{variant}_images"], grey)
            K = np.stack([camera.K for camera in found.cameras])[here]
            np.testing.assert_array_equal(K, arrays[f"out_{variant}_K"])
            projections = found.projections[here]
            case.within(f"{variant} P", projections, arrays[f"out_{variant}_proj"], 1e-6, "relative")
            np.testing.assert_array_equal(found.boxes[here], arrays[f"out_{variant}_detections"])
            np.testing.assert_array_equal(found.keypoints, arrays[f"out_{variant}_keypoints_3d"])


def joint_set(options: dict[str, Any]) -> JointSet:
    if options["transfer_cmu_to_human36m"]:
        return "from_coco"
    return "from_human36m" if options["transfer_human36m_to_human36m"] else options["kind"]


@check("dataset_evaluate*")
def metric(case: Case) -> None:
    labels = labels_of(case)
    for variant in case.meta["variants"]:
        options = variant["options"]
        rows = labels.selected_rows(
            "val",
            with_damaged=options["with_damaged_actions"],
            every=options.get("retain_every_n_frames_in_test", 1),
        )
        name = variant["file"].removeprefix("metric_").removesuffix(".json")
        if f"rows_{name}" in case.arrays:
            np.testing.assert_array_equal(rows, case.arrays[f"rows_{name}"])
        errors = pose_errors(
            case.arrays["prediction"][rows], labels.table["keypoints"][rows], joint_set(options)
        )
        tables = metric_tables(errors, labels, rows)
        theirs = json.loads((case.folder / variant["file"]).read_text(encoding="utf-8"))
        compare_tables(case, name, tables, theirs, 1e-3)
        headline = tables["per_pose_error_relative"]["Average"]["Average"]
        case.within(f"{name} headline", headline, variant["scalar"], 1e-3, "mm")


@check("cp_dataset_evaluate*")
def single_view_metric(case: Case) -> None:
    labels, arrays = labels_of(case), case.arrays
    first_stage = Results(arrays["pred_keypoints_3d"], arrays["pred_indexes"])
    with TemporaryDirectory() as folder:
        for name, with_damaged, rank, world in (
            ("all", True, 0, 1),
            ("clean", False, 0, 1),
            ("rank1of3", True, 1, 3),
        ):
            options = SampleOptions(with_damaged=with_damaged, undistort=False)
            dataset = Human36MMultiview(Path(folder), labels, "val", options, first_stage)
            views = SingleViews(dataset, rank, world)
            np.testing.assert_array_equal(views.cameras, arrays[f"camera_{name}"])
            np.testing.assert_array_equal(views.truth, arrays[f"gt_{name}"])
            assert dataset.predicted is not None
            pelvis = dataset.predicted[views.samples][:, 6]
            np.testing.assert_array_equal(pelvis, arrays[f"pelvis_{name}"])
            if f"prediction_{name}" not in arrays:
                continue
            prediction = arrays[f"prediction_{name}"]
            tables = metric_tables(pose_errors(prediction, views.truth), labels, dataset.rows[views.samples])
            theirs = json.loads((case.folder / f"metric_{name}.json").read_text(encoding="utf-8"))
            theirs_2d = theirs.pop("pose_2d_metric")
            compare_tables(case, name, tables, theirs, 1e-3)
            ours_2d = pose_2d_metric(prediction, views.truth, arrays[f"proj_{name}"])
            # One joint of one pose on the other side of a threshold would change its share by 1/215.
            compare_tables(case, f"{name} 2D", ours_2d, theirs_2d, 1e-9)
