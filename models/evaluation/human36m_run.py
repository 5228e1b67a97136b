"""One evaluation on Human3.6M, from label file to result folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from configs.atomic_file import write_atomic
from models.datasets.human36m_labels import Labels, Split
from models.datasets.human36m_multiview import Human36MMultiview
from models.datasets.results_file import Results, match_rows, recordings_of, write_results
from models.datasets.single_view import SingleViews
from models.evaluation.human36m import (
    JointSet,
    metric_tables,
    pose_errors,
    write_metric,
)
from models.evaluation.pose_2d import pose_2d_metric
from models.evaluation.predict import Centres, MultiviewModel, predict_all

MEANINGLESS: Final = "untrained weights: the figures show that everything runs and mean nothing else"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures of one run.

    Attributes:
        metric: What ``metric.json`` holds.
        headline: Relative and absolute error in mm, absolute error without the damaged recordings, counts.
        results: Predictions, for ``results.pkl``.
        extra: More arrays for ``results.pkl``.
    """

    metric: dict[str, Any]
    headline: dict[str, Any]
    results: Results
    extra: dict[str, NDArray[Any]]


def evaluate_network(
    model: MultiviewModel,
    dataset: Human36MMultiview,
    *,
    single_view: bool = False,
    batch_size: int = 8,
    centres: Centres = "predicted",
    joints: JointSet = "human36m",
    threads: int = 2,
    progress: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Predict and compare.

    Args:
        model: The network.
        dataset: Split and selection of rows.
        single_view: Every view counts as a sample of its own (ContextPose).
        batch_size: Samples at a time.
        centres: Pelvis of volumetric networks.
        joints: Which joints count.
        threads: Readers of pictures.
        progress: Called with the number of samples done.
    """
    samples = SingleViews(dataset) if single_view else dataset
    found = predict_all(
        model,
        samples,
        batch_size=batch_size,
        centres=centres,
        threads=threads,
        progress=progress,
    )
    rows = dataset.rows[found.indexes]
    extra: dict[str, NDArray[Any]] = {}
    pose_2d = None
    if single_view and found.projections is not None:
        extra = {"keypoints_gt": found.truth, "proj_matricies_batch": found.projections}
        if joints == "human36m":
            pose_2d = pose_2d_metric(
                found.keypoints, found.truth, found.projections, dataset.options.image_shape[0]
            )
    results = Results(found.keypoints, found.indexes, recordings_of(dataset.labels, rows))
    return _evaluation(results, dataset.labels, rows, joints, extra, pose_2d)


def evaluate_results(
    results: Results,
    labels: Labels,
    split: Split,
    *,
    with_damaged: bool = True,
    every: int = 1,
    joints: JointSet = "human36m",
) -> Evaluation:
    """Compare predictions of a file, without network and pictures.

    Raises:
        BadInputError: The file does not cover the selected rows.
    """
    rows = labels.selected_rows(split, with_damaged=with_damaged, every=every)
    keypoints = match_rows(results, labels, split, rows)
    ordered = Results(keypoints, np.arange(len(rows)), recordings_of(labels, rows))
    return _evaluation(ordered, labels, rows, joints, {}, None)


def write_evaluation(folder: Path, evaluation: Evaluation, about: dict[str, Any]) -> dict[str, Path]:
    """Write ``metric.json`` and ``results.pkl`` as published, and where they come from: ``summary.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / name for name in ("metric.json", "results.pkl", "summary.json")}
    write_metric(paths["metric.json"], evaluation.metric)
    write_results(paths["results.pkl"], evaluation.results, evaluation.extra)
    summary = json.dumps(_plain({**about, **evaluation.headline}), indent=4, sort_keys=True, allow_nan=False)
    write_atomic(paths["summary.json"], f"{summary}\n")
    return paths


def experiment_folder(parent: Path, title: str, class_name: str, now: datetime) -> Path:
    """``eval_<title>_<ModelClassName>@DD.MM.YYYY-HH:MM:SS/checkpoints/0000`` below ``parent``."""
    return parent / f"eval_{title}_{class_name}@{now:%d.%m.%Y-%H:%M:%S}" / "checkpoints" / "0000"


def _evaluation(
    results: Results,
    labels: Labels,
    rows: NDArray[np.intp],
    joints: JointSet,
    extra: dict[str, NDArray[Any]],
    pose_2d: dict[str, Any] | None,
) -> Evaluation:
    errors = pose_errors(results.keypoints, labels.table["keypoints"][rows], joints)
    metric = metric_tables(errors, labels, rows)
    if pose_2d is not None:
        metric["pose_2d_metric"] = pose_2d
    sound = ~labels.damaged[rows]
    headline = {
        "relative_mm": metric["per_pose_error_relative"]["Average"]["Average"],
        "absolute_mm": metric["per_pose_error"]["Average"]["Average"],
        "relative_mm_without_wrong_scenes": _mean(errors.relative[sound]),
        "absolute_mm_without_wrong_scenes": _mean(errors.absolute[sound]),
        "poses": len(rows),
        "poses_in_wrong_scenes": int((~sound).sum()),
        "missing_joints": errors.missing_joints,
    }
    return Evaluation(metric, headline, results, extra)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in values.items()
    }
