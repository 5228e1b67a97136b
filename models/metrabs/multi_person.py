"""From pictures and boxes to people: crops in batches, the crop network, and the way back to the world."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from configs.errors import bad_input
from models.metrabs import plausibility
from models.metrabs.augmentation import Augmentation, spread_out, unchanged
from models.metrabs.crop_model import MetrabsCropModel
from models.metrabs.crops import cut_crops
from models.metrabs.joint_layout import JointLayout
from models.metrabs.picture_camera import PictureCamera
from models.metrabs.virtual_camera import VirtualCameras, virtual_cameras


@dataclass(frozen=True)
class EstimationSettings:
    """How to look at each person.

    Attributes:
        internal_batch_size: Crops that the network sees at once; 0 for all.
        antialias_factor: Samples per crop pixel along each axis.
        num_aug: Variants of each crop.
        average_aug: Average over them; False keeps them.
        skeleton: Name of a selection of joints.
        straight: With one variant, leave brightness and size as they are. The published programs brighten it.
        suppress_implausible_poses: Drop what is no person, or one that is there already.
    """

    internal_batch_size: int = 64
    antialias_factor: int = 1
    num_aug: int = 5
    average_aug: bool = True
    skeleton: str = ""
    straight: bool = False
    suppress_implausible_poses: bool = False

    def __post_init__(self) -> None:
        for key, value, least in (
            ("internal_batch_size", self.internal_batch_size, 0),
            ("antialias_factor", self.antialias_factor, 1),
            ("num_aug", self.num_aug, 1),
        ):
            if value < least:
                raise bad_input("is too small", key=key, value=value, allowed=f"{least} or more")
        if self.straight and self.num_aug > 1:
            raise bad_input("is for a single variant", key="straight", hint="num_aug=1")

    def augmentation(self) -> Augmentation:
        """The variants."""
        return unchanged() if self.straight else spread_out(self.num_aug)


@dataclass(frozen=True)
class People:
    """The n people of one picture; A variants of each crop, J joints of the chosen skeleton.

    Attributes:
        boxes: (n, 4 or 5) left, top, width, height, px (, score).
        poses3d: (n, J, 3) mm in the world; (n, A, J, 3) without averaging.
        poses2d: (n, J, 2) px; (n, A, J, 2) without averaging. NaN where not in front of the camera.
        confidence: (n, J) how peaked the network's heatmaps are, 0..1; no probability of being right.
        spread_mm: (n, J) scatter over the variants; NaN for one variant.
        in_front: (n,) bool, the whole pose is in front of the camera in all variants.
        kept: (n,) which of the given boxes these are.
    """

    boxes: Tensor
    poses3d: Tensor
    poses2d: Tensor
    confidence: Tensor
    spread_mm: Tensor
    in_front: Tensor
    kept: Tensor


class MultiPersonModel:
    """A crop network with everything around it.

    Args:
        crop_model: In evaluation mode, on any device; it stays there.
        layout: Its joints.
        mean_bone_lengths: (E,) mm of ``layout.edges``, to recognise impossible poses; None leaves that out.
        dtype: Precision of the backbone; heatmaps are always read in float32.

    Raises:
        BadInputError: The parts do not fit each other.
    """

    def __init__(
        self,
        crop_model: MetrabsCropModel,
        layout: JointLayout,
        mean_bone_lengths: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if crop_model.joints != len(layout.names):
            raise bad_input(
                f"the network predicts {crop_model.joints} joints, but {len(layout.names)} have names"
            )
        if mean_bone_lengths is not None:
            if layout.transform is not None:
                raise bad_input("bone lengths of joints that are transformed are not supported")
            if len(mean_bone_lengths) != len(layout.edges):
                raise bad_input(f"{len(mean_bone_lengths)} bone lengths for {len(layout.edges)} bones")
        self.crop_model = crop_model.eval()
        self.layout = layout
        self._bones = mean_bone_lengths
        self._dtype = dtype

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.crop_model.heatmap_heads.conv_final.weight.device

    @torch.inference_mode()
    def __call__(
        self,
        pictures: Sequence[Tensor],
        boxes: Sequence[Tensor],
        cameras: Sequence[PictureCamera],
        settings: EstimationSettings,
    ) -> list[People]:
        """Estimate everybody.

        Args:
            pictures: N (3, H, W) uint8 RGB, of any sizes.
            boxes: N (n, 4 or 5), see ``as_boxes``.
            cameras: N.
            settings: See there.
        """
        if not len(pictures) == len(boxes) == len(cameras):
            raise bad_input(f"{len(boxes)} lists of boxes for {len(pictures)} pictures")
        selection = self.layout.select(settings.skeleton)
        augmentation = settings.augmentation()
        side = self.crop_model.config.proc_side
        facing = [
            virtual_cameras(
                own[:, :4],
                camera.intrinsics.expand(len(own), 3, 3),
                camera.distortion.expand(len(own), -1),
                camera.up.expand(len(own), 3),
                augmentation,
                side,
            )
            for own, camera in zip(boxes, cameras, strict=True)
        ]
        poses, confidence = self._poses(pictures, cameras, facing, augmentation, settings)
        counts = [len(own) for own in boxes]
        chosen = torch.tensor(selection.indices, device=self.device)
        return [
            self._finished(*parts, chosen, settings)
            for parts in zip(
                boxes, cameras, torch.split(poses, counts), torch.split(confidence, counts), strict=True
            )
        ]

    def _poses(
        self,
        pictures: Sequence[Tensor],
        cameras: Sequence[PictureCamera],
        facing: Sequence[VirtualCameras],
        augmentation: Augmentation,
        settings: EstimationSettings,
    ) -> tuple[Tensor, Tensor]:
        """(M, A, N, 3) mm in the frames of the cameras and (M, N) confidences, of all pictures."""
        side, variants = self.crop_model.config.proc_side, len(augmentation)
        device = self.device
        poses, confidences = [], []
        total = sum(len(own.scale) for own in facing)
        together = max(settings.internal_batch_size // variants, 1) if settings.internal_batch_size else total
        for batch in _batches([len(own.scale) for own in facing], together):
            parts, rotations, intrinsics = [], [], []
            for index, first, last in batch:
                own = facing[index]
                part = VirtualCameras(
                    own.rotation[first:last], own.intrinsics[first:last], own.scale[first:last]
                )
                crops = cut_crops(
                    pictures[index].to(device),
                    part,
                    cameras[index].intrinsics,
                    cameras[index].distortion,
                    augmentation.gamma,
                    side,
                    settings.antialias_factor,
                )
                parts.append(crops.flatten(0, 1))
                rotations.append(part.rotation.flatten(0, 1))
                intrinsics.append(part.intrinsics.flatten(0, 1))
            pose, confidence = self._crop_poses(torch.cat(parts), torch.cat(intrinsics).float().to(device))
            mirror = torch.tensor(self.layout.mirror, device=device)
            mirrored = augmentation.mirrored.to(device).repeat(len(pose) // variants)
            pose = torch.where(mirrored[:, None, None], pose[:, mirror], pose)
            confidence = torch.where(mirrored[:, None], confidence[:, mirror], confidence)
            # Row vectors times a rotation: back from the crop's frame.
            pose = pose @ torch.cat(rotations).to(pose)
            joints = pose.shape[1]
            poses.append(self.layout.transformed(pose).reshape(-1, variants, self.layout.count, 3))
            confidences.append(confidence.reshape(-1, variants, joints).mean(dim=1))
        if not poses:
            empty = torch.zeros(0, variants, self.layout.count, 3, device=device)
            return empty, empty[:, 0, :, 0]
        return torch.cat(poses), self._confidence_of_all(torch.cat(confidences))

    def _crop_poses(self, crops: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
        with self._precision():
            reading = self.crop_model.read(crops)
        return self.crop_model.absolute(reading, intrinsics), self.crop_model.confidence(reading)

    def _precision(self) -> contextlib.AbstractContextManager[object]:
        if self._dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self._dtype)

    def _confidence_of_all(self, confidence: Tensor) -> Tensor:
        """(M, J) of the network's joints to (M, N) of all; a mixture has the weighted mean of its parts."""
        if self.layout.transform is None:
            return confidence
        weight = self.layout.transform.abs().to(confidence)
        return confidence @ (weight / weight.sum(dim=0).clamp_min(torch.finfo(weight.dtype).tiny))

    def _finished(
        self,
        boxes: Tensor,
        camera: PictureCamera,
        poses: Tensor,
        confidence: Tensor,
        chosen: Tensor,
        settings: EstimationSettings,
    ) -> People:
        """People of one picture from (n, A, N, 3) mm in the frame of its camera."""
        points = camera.project(poses)
        spread = (poses - poses.mean(dim=1, keepdim=True)).square().mean(dim=1).sum(dim=-1).sqrt()
        if poses.shape[1] == 1:
            spread = torch.full_like(spread, torch.nan)
        kept = torch.arange(len(boxes), device=poses.device)
        if settings.suppress_implausible_poses and len(boxes):
            kept = self._plausible(boxes.to(poses), poses, points)
        in_front = (poses[..., 2] > 0.0).all(dim=-1).all(dim=-1)
        world = camera.to_world(poses)[:, :, chosen]
        flat = points[:, :, chosen]
        if settings.average_aug:
            world, flat = world.mean(dim=1), flat.mean(dim=1)
        return People(
            boxes.float()[kept.cpu()].to(poses.device),
            world[kept],
            flat[kept],
            confidence[kept][:, chosen],
            spread[kept][:, chosen],
            in_front[kept],
            kept,
        )

    def _plausible(self, boxes: Tensor, poses: Tensor, points: Tensor) -> Tensor:
        """Indices to keep; among equals without scores the first wins."""
        mean = poses.mean(dim=1)
        valid = plausibility.variants_agree(poses) & plausibility.fills_box(points.mean(dim=1), boxes)
        if self._bones is not None:
            edges = torch.tensor(self.layout.edges, device=poses.device)
            valid &= plausibility.bones_plausible(mean, edges, self._bones.to(mean))
        scores = boxes[:, 4] if boxes.shape[1] > 4 else torch.ones_like(boxes[:, 0])
        return plausibility.distinct(mean, scores, valid)


def _batches(counts: Sequence[int], together: int) -> Iterator[list[tuple[int, int, int]]]:
    """Boxes of all pictures in sequence, ``together`` at a time: picture, first, last (exclusive)."""
    batch: list[tuple[int, int, int]] = []
    room = together
    for index, count in enumerate(counts):
        first = 0
        while first < count:
            last = min(count, first + room)
            batch.append((index, first, last))
            room -= last - first
            first = last
            if room == 0:
                yield batch
                batch, room = [], together
    if batch:
        yield batch
