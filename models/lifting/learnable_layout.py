"""A grid layout with a score for every joint in every cell, which training may change.

The published program never lets a gradient reach the scores (``frozen``): its learnable layout is not
learnt. Here it can be: ``straight_through`` uses the best joint of each cell and passes gradients as if the
scores had been used; ``gumbel`` (Jang et al. 2017) draws the joint with noise that falls with its
temperature.
"""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.lifting.semantic_grid import INITIAL_LAYOUTS

_log = logging.getLogger(__name__)

LayoutTraining = Literal["frozen", "straight_through", "gumbel"]
InitialLayout = Literal["standard", "learnt_type1", "learnt_type2", "learnt_type3", "random_prob"]

UNDIVIDED = 1e-8
"""Added to the number of cells of a joint, so that one without a cell comes out as zero."""


class LearnableLayout(nn.Module):
    """Scores of joints for cells.

    Args:
        shape: Rows and columns.
        joints: How many joints there are.
        initial: A published layout (for 5 x 5 cells and 17 joints), or random scores.
        training_form: How gradients reach the scores.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        joints: int = 17,
        initial: InitialLayout = "standard",
        training_form: LayoutTraining = "straight_through",
    ) -> None:
        super().__init__()
        self.shape, self.joints, self.training_form = shape, joints, training_form
        self.noise_temperature = 1.0
        """Of ``gumbel``; training lowers it."""
        self.frozen = False
        """Set while the first epochs train the network on the initial layout."""
        if initial == "random_prob":
            scores = torch.rand(shape[0] * shape[1], joints).softmax(dim=1)
        else:
            cells = torch.tensor(INITIAL_LAYOUTS[initial]).flatten()
            scores = functional.one_hot(cells, joints).float()
        self.sgt_trans_mat = nn.Parameter(scores.unsqueeze(0))  # the published name

    def assignment(self) -> NDArray[np.int64]:
        """(H, W) joint of each cell."""
        best = self.sgt_trans_mat.detach().argmax(dim=2)
        return np.asarray(best.view(self.shape).cpu().numpy(), np.int64)

    def missing(self) -> tuple[int, ...]:
        """Joints without a cell; they come out as zero."""
        return tuple(sorted(set(range(self.joints)) - set(self.assignment().ravel().tolist())))

    def shares(self) -> Tensor:
        """(1, H * W, J) 1 for the joint of a cell, 0 elsewhere; with the gradient that training asks for."""
        scores = self.sgt_trans_mat
        learning = self.training and not self.frozen and self.training_form != "frozen"
        if learning and self.training_form == "gumbel":
            return functional.gumbel_softmax(scores, self.noise_temperature, hard=True, dim=2)
        best = functional.one_hot(scores.argmax(dim=2), self.joints).to(scores.dtype)
        return best - scores.detach() + scores if learning else best

    def grids(self, shares: Tensor, joints: Tensor) -> Tensor:
        """(B, J, C) to (B, C, H, W)."""
        cells = (shares @ joints).mT
        return cells.reshape(*cells.shape[:2], *self.shape)

    def read(self, shares: Tensor, grids: Tensor) -> Tensor:
        """(B, C, H, W) to (B, J, C): mean of the cells of each joint."""
        cells = shares.sum(dim=1).unsqueeze(2)
        return shares.mT @ grids.flatten(2).mT / (cells + UNDIVIDED)

    @torch.no_grad()
    def repair(self) -> tuple[int, ...]:
        """Give every joint without a cell its best cell among those whose joint has several; in place.

        Returns:
            The joints that were without one.
        """
        scores, repaired = self.sgt_trans_mat[0], self.missing()
        for joint in repaired:
            best = scores.argmax(dim=1)
            spare = torch.bincount(best, minlength=self.joints)[best] > 1
            if not spare.any():
                break
            cell = int(torch.where(spare, scores[:, joint], -torch.inf).argmax())
            scores[cell, [joint, int(best[cell])]] = scores[cell, [int(best[cell]), joint]]
        if repaired:
            _log.warning("the layout had no cell for the joints %s and was repaired", list(repaired))
        return repaired

    def scarcity(self) -> Tensor:
        """Penalty for training: by how much the soft shares of joints fall short of one cell; 0 at best."""
        return functional.relu(1.0 - self.sgt_trans_mat.softmax(dim=2).sum(dim=1)).sum()
