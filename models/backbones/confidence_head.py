"""A head that says how much to believe a view: one number in (0, 1) per joint or channel."""

from __future__ import annotations

from torch import Tensor, nn

SMALLEST_MAP = 4
"""Rows and columns of the feature map that the two halvings leave one cell of."""


class ConfidenceHead(nn.Module):
    """Two convolutions with pooling, the mean over all positions, three linear layers, a sigmoid.

    Iskakov et al., Learnable Triangulation of Human Pose, ICCV 2019. Names of the parameters are those of the
    released weights.

    Args:
        channels: Channels of the feature map.
        outputs: Numbers to predict.
    """

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 512, 3, padding=1),
            nn.BatchNorm2d(512),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
            nn.Conv2d(512, 256, 3, padding=1),
            nn.BatchNorm2d(256),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Sequential(
            nn.Linear(256, 512),
            nn.ReLU(inplace=True),
            nn.Linear(512, 256),
            nn.ReLU(inplace=True),
            nn.Linear(256, outputs),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(N, channels, h, w) to (N, outputs).

        Raises:
            ValueError: The map has fewer than four rows or columns.
        """
        if min(features.shape[-2:]) < SMALLEST_MAP:
            raise ValueError(
                f"confidences need a feature map of at least {SMALLEST_MAP} x {SMALLEST_MAP} cells "
                f"(pictures of 128 x 128 px), got {tuple(features.shape[-2:])}"
            )
        pooled: Tensor = self.features(features).mean(dim=(2, 3))
        confidences: Tensor = self.head(pooled)
        return confidences
