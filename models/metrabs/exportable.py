"""MeTRAbs in the form in which it leaves this program: tensors in, tensors out, everything it needs inside.

``SinglePersonModel`` takes crops. ``PicturePersonModel`` takes a whole picture and boxes: it cuts the crops,
estimates them and gives poses in the frame of the picture's camera, as ``MultiPersonModel`` does for a camera
without distortion that is upright.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.detectors.exportable import ExportableDetector
from models.metrabs.augmentation import GAMMA, Augmentation, spread_out, unchanged
from models.metrabs.crop_model import MetrabsCropModel
from models.metrabs.crops import LEVELS, pyramid_levels
from models.metrabs.geometry import corner_scaling, inverse
from models.metrabs.joint_layout import JointLayout
from models.metrabs.virtual_camera import virtual_cameras

_UP = (0.0, -1.0, 0.0)


class SinglePersonModel(nn.Module):
    """Crops and their intrinsics to poses in the frame of the crop's camera."""

    def __init__(self, network: MetrabsCropModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, P, P) RGB in [0, 1], (N, 3, 3) to (N, J, 3) mm and (N, J) confidences."""
        poses, confidence = self.network(images, intrinsics)
        return poses, confidence


class PicturePersonModel(nn.Module):
    """A picture, its intrinsics and n boxes to n poses.

    Args:
        network: In evaluation mode.
        layout: Its joints; a mixture of joints becomes part of the model.
        num_aug: Variants of each crop that are averaged; 1 takes the crop as the camera saw it.
        antialias: Samples per crop pixel along each axis.
    """

    turns: Tensor
    scales: Tensor
    gamma: Tensor
    mirrored: Tensor
    mirror: Tensor
    mixture: Tensor

    def __init__(
        self, network: MetrabsCropModel, layout: JointLayout, num_aug: int = 1, antialias: int = 1
    ) -> None:
        super().__init__()
        self.network, self.antialias = network, antialias
        variants = unchanged() if num_aug == 1 else spread_out(num_aug)
        self.register_buffer("turns", variants.rotation)
        self.register_buffer("scales", variants.scale)
        self.register_buffer("gamma", variants.gamma)
        self.register_buffer("mirrored", variants.mirrored)
        self.register_buffer("mirror", torch.tensor(layout.mirror))
        mixture = torch.eye(network.joints) if layout.transform is None else layout.transform
        self.register_buffer("mixture", mixture.float())

    def forward(self, image: Tensor, intrinsics: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """(3, H, W) uint8 RGB, (3, 3), (n, 4) left, top, width, height to (n, J, 3) mm and (n, J, 2) px.

        n is at least 1.
        """
        side = self.network.config.proc_side
        matrix, own = intrinsics.double(), boxes.double()
        count, variants = own.shape[0], self.scales.shape[0]
        # Derived from what is given, so that the number of boxes may be any.
        zeros = own[:, :1] * 0.0
        cameras = virtual_cameras(
            own,
            matrix.expand(count, 3, 3),
            zeros.expand(count, 5),
            zeros + zeros.new_tensor(_UP),
            Augmentation(self.gamma, self.scales, self.turns, self.mirrored),
            side,
        )
        crops = self._crops(
            image,
            matrix,
            (cameras.intrinsics @ cameras.rotation).flatten(0, 1),
            pyramid_levels(cameras.scale * self.antialias).flatten(),
        )
        exponent = (self.gamma / GAMMA).float().repeat(count)
        poses, _ = self.network(
            crops ** exponent[:, None, None, None], cameras.intrinsics.flatten(0, 1).float()
        )
        flipped = self.mirrored.repeat(count)[:, None, None]
        poses = torch.where(flipped, poses[:, self.mirror], poses)
        poses = poses @ cameras.rotation.flatten(0, 1).float()
        poses = torch.einsum("njc,jk->nkc", poses, self.mixture)
        poses = poses.reshape(count, variants, self.mixture.shape[1], 3)
        depth = poses[..., 2:]
        flat = torch.where(depth > 0.0, poses[..., :2] / depth, torch.nan)
        k = intrinsics.float()
        pixels = flat @ k[:2, :2].mT + k[:2, 2]
        return poses.mean(dim=1), pixels.mean(dim=1)

    def _crops(self, image: Tensor, matrix: Tensor, to_crop: Tensor, levels: Tensor) -> Tensor:
        """(N, 3, P, P) in linear light, sampled from the level of the pyramid that each crop asks for."""
        samples = self.network.config.proc_side * self.antialias
        along = torch.arange(samples, dtype=torch.float32, device=image.device)
        to_rays = inverse(to_crop) @ corner_scaling(1.0 / self.antialias)
        rays = to_rays.float()[:, None, None]
        x, y = along[None, :, None], along[:, None, None]
        seen = rays[..., 0] * x + rays[..., 1] * y + rays[..., 2]
        ahead = seen[..., 2:] > 0.0
        flat = torch.where(ahead, seen[..., :2] / torch.where(ahead, seen[..., 2:], 1.0), -1e6)
        k = matrix.float()
        places = flat @ k[:2, :2].mT + k[:2, 2]
        level = (image.float() / 255.0)[None] ** GAMMA
        found = torch.zeros_like(places[..., :1]).expand(-1, -1, -1, 3).movedim(-1, 1)
        for number in range(LEVELS):
            factor = 0.5**number
            inside = (places + 0.5) * factor
            # From the outer border of the first pixel, -1, to that of the last, 1.
            along_x = inside[..., 0] * (2.0 / level.shape[3]) - 1.0
            along_y = inside[..., 1] * (2.0 / level.shape[2]) - 1.0
            relative = torch.stack([along_x, along_y], dim=-1).clamp(-1e4, 1e4)
            sampled = functional.grid_sample(
                level, relative.flatten(0, 1)[None], "bilinear", "zeros", align_corners=False
            )
            sampled = sampled[0].reshape(3, to_crop.shape[0], samples, samples).transpose(0, 1)
            found = torch.where((levels == number)[:, None, None, None], sampled, found)
            if number + 1 < LEVELS:
                level = functional.avg_pool2d(level, 2)
        if self.antialias > 1:
            found = functional.avg_pool2d(found, self.antialias)
        return found


class PictureModel(nn.Module):
    """A picture and its intrinsics to everybody in it.

    Args:
        detector: Finds people.
        people: Estimates them.
    """

    def __init__(self, detector: ExportableDetector, people: PicturePersonModel) -> None:
        super().__init__()
        self.detector, self.people = detector, people

    def forward(self, image: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(3, H, W) uint8 RGB and (3, 3) to n people: (n, 5) boxes, (n, J, 3) mm and (n, J, 2) px.

        A box is left, top, width, height, px, and a score. n may be 0.
        """
        boxes = self.detector(image)
        poses, pixels = self.people(image, intrinsics, boxes[:, :4])
        there = (boxes[:, 4] >= self.detector.threshold).nonzero()[:, 0]
        return boxes[there], poses[there], pixels[there]
