"""Checks of the losses and of a few training steps of the algebraic network."""

from __future__ import annotations

import numpy as np
import torch

from models.training.losses import (
    absolute_error,
    joint_distance,
    smooth_squared_error,
    squared_error,
    volume_cross_entropy,
)
from models.triangulation.algebraic import AlgebraicTriangulation
from tests.parity.case import Case
from tests.parity.registry import check

LOSSES = {
    "MSE": squared_error,
    "MSESmooth": smooth_squared_error,
    "MAE": absolute_error,
    "L2": joint_distance,
}


@check("fn_losses*")
def losses(case: Case) -> None:
    scale = case.meta["scale_keypoints_3d"]
    truth = case.tensor("gt") * scale
    validities = {
        "": case.tensor("validity"),
        "_allvalid": torch.ones_like(case.tensor("validity")),
        "_nonevalid": torch.zeros_like(case.tensor("validity")),
    }
    for name, loss in LOSSES.items():
        for suffix, validity in validities.items():
            prediction = case.tensor("pred").requires_grad_()
            value = loss(prediction * scale, truth, validity)
            expected = case.meta["values"][name + suffix]
            case.within(name + suffix, value, expected, 1e-5, "relative")
            if f"grad_{name}{suffix}" in case.arrays:
                value.backward()
                # The original's derivative of a distance of zero is 0 / 0; ours is zero.
                gradient = np.nan_to_num(case.arrays[f"grad_{name}{suffix}"], nan=0.0)
                case.within(f"gradient {name}{suffix}", prediction.grad, gradient, 1e-5, "relative")
    probabilities = case.tensor("ce_prob").requires_grad_()
    entropy = volume_cross_entropy(
        probabilities, case.tensor("ce_coord"), case.tensor("ce_gt"), validities[""]
    )
    entropy.backward()
    case.within("cross-entropy", entropy, case.meta["values"]["VolumetricCE"], 1e-5, "relative")
    case.within("gradient cross-entropy", probabilities.grad, case.arrays["ce_grad"], 1e-5, "relative")


@check("train_alg*")
def steps(case: Case) -> None:
    model = case.filled(AlgebraicTriangulation(case.config["num_layers"])).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
    scale = case.config["scale_keypoints_3d"]
    labels = case.tensor("keypoints_3d_gt")
    truth, validity = labels[..., :3] * scale, labels[..., 3:]
    images, projections = case.images(), case.tensor("proj_matrices")
    for number, recorded in enumerate(case.meta["iterations"]):
        found = model(images, projections)
        loss = smooth_squared_error(found.keypoints_3d * scale, truth, validity)
        distance = joint_distance(found.keypoints_3d * scale, truth, validity)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm()
        optimizer.step()
        # Adam's first step has the size of the learning rate whatever the gradient, so rounding grows.
        limit = (1e-4, 3e-3, 0.1)[min(number, 2)]
        case.within(f"loss {number}", loss, recorded["main_loss"], limit, "relative")
        case.within(f"distance {number}", distance, recorded["l2"], limit, "relative")
        gradient = recorded["grad_norm"]["backbone"]
        case.within(f"gradient norm {number}", norm, gradient, max(limit, 2e-2), "relative")
    mean = model.backbone.bn1.running_mean
    case.within("running mean", mean[:8], case.meta["running_mean_after"]["bn1"], 3e-3, "relative")
