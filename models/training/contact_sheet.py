"""A picture of a training batch with its labels, to be looked at before anything is trained on it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from configs.errors import bad_input
from models.training.tasks.base import Batch, input_picture, projected

MOST_SAMPLES = 12
SEEN, HIDDEN = (80, 220, 60), (60, 60, 235)
"""Colours of joints, BGR."""


def write_contact_sheet(path: Path, batch: Batch) -> None:
    """Two samples per row, their views side by side; green joints are visible, red ones hidden.

    Raises:
        BadInputError: The batch has no pictures, or the file cannot be written as a picture.
    """
    if "images" not in batch:
        raise bad_input("these data have no pictures", file=path)
    shown = {name: value[:MOST_SAMPLES] for name, value in batch.items()}
    if "intrinsics" in shown:
        shown = _one_view(shown)
    truth, _ = projected(shown["keypoints"], shown["projections"])
    visible = shown.get("visible", torch.ones(truth.shape[:3], dtype=torch.bool)).numpy()
    if "flat" in shown:  # joints without a label have no place
        truth = torch.where(shown["validity"][:, None] > 0, truth, torch.inf)
    rows = []
    for sample, images in enumerate(shown["images"]):
        views = []
        for view, image in enumerate(images):
            picture = input_picture(image)
            for (x, y), seen in zip(truth[sample, view].tolist(), visible[sample, view], strict=True):
                if max(abs(x), abs(y)) < 1e4:
                    centre = (round(x), round(y))
                    cv2.circle(picture, centre, 2, SEEN if seen else HIDDEN, -1, cv2.LINE_AA)
            views.append(picture)
        rows.append(np.hstack(views))
    if len(rows) % 2:
        rows.append(np.zeros_like(rows[0]))
    sheet = np.hstack([np.vstack(rows[0::2]), np.vstack(rows[1::2])])
    try:
        done = cv2.imwrite(str(path), sheet)
    except cv2.error:
        done = False
    if not done:
        raise bad_input(
            "cannot be written as a picture", file=path, allowed="*.png, *.jpg in a folder that exists"
        )


def _one_view(crops: Batch) -> Batch:
    """Crops of one camera each, red first, with joints in its axes, as views of one camera."""
    still = torch.zeros(len(crops["images"]), 1, 3, 4)
    still[:, 0, :, :3] = crops["intrinsics"]
    return {
        "images": crops["images"].flip(-1)[:, None],
        "projections": still,
        "keypoints": crops["joints"],
        "visible": crops["valid"][:, None],
    }
