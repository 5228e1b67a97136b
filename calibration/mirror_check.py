"""Whether a camera mirrors its pictures: its places against the others then agree only with them turned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from calibration.board_pose import LEVER_MM
from calibration.camera import Camera
from calibration.diagnosis import Diagnosis
from calibration.extrinsics_config import ExtrinsicsConfig
from calibration.observations import BoardObservations, BoardView
from calibration.posed_views import pose_views
from calibration.recording_checks import seen_from_behind
from calibration.view_graph import link_pairs

MIRROR_GAIN = 0.4
"""Spread of a camera's places with its picture mirrored over that as it is."""
_FEWEST_LINKING = 3


def check_mirrored(
    observations: BoardObservations, lenses: Mapping[str, Camera], config: ExtrinsicsConfig
) -> Iterator[Diagnosis]:
    """Cameras that see everything mirrored, unlike the others."""
    behind = {}
    for name in observations.cameras:
        views = seen_from_behind(observations, name)
        if len(views):
            behind[name] = float(views.mean())
    suspects = [name for name, share in behind.items() if share > 0.8]
    if not suspects or len(suspects) == len(behind):
        return
    for name in suspects:
        as_is = _spread(observations, lenses, name, config)
        turned = _spread(
            _flipped_views(observations, name), {**lenses, name: _flipped_lens(lenses[name])}, name, config
        )
        if turned < MIRROR_GAIN * as_is:
            yield Diagnosis(
                "mirrored_camera",
                "error",
                f"the pictures of {name} are mirrored, those of the other cameras are not: switch off "
                "mirroring (selfie view) in its settings and record again",
                (name,),
            )


def _spread(
    observations: BoardObservations, lenses: Mapping[str, Camera], name: str, config: ExtrinsicsConfig
) -> float:
    """mm, how much the places of a camera against others vary from moment to moment."""
    views = pose_views(observations, lenses, min_corners=config.min_corners)
    data, number = views.data, views.data.cameras.index(name)
    links = link_pairs(
        data.camera, data.instant, views.poses.R, views.poses.t, len(data.cameras), _FEWEST_LINKING
    )
    spreads = [
        link.spread_mm + LEVER_MM * np.radians(link.spread_deg)
        for link in links
        if number in (link.first, link.second)
    ]
    return float(np.mean(spreads)) if spreads else float("nan")


def _flipped_views(observations: BoardObservations, name: str) -> BoardObservations:
    width = observations.sizes[name][0]

    def flipped(view: BoardView) -> BoardView:
        pixels = view.pixels * [-1.0, 1.0] + [width - 1.0, 0.0]
        return replace(view, pixels=pixels)

    return observations.chosen(flipped(view) if view.camera == name else view for view in observations.views)


def _flipped_lens(camera: Camera) -> Camera:
    K, distortion = np.array(camera.K), np.array(camera.distortion)
    K[0, 2] = camera.size[0] - 1.0 - K[0, 2]
    if camera.model != "fisheye":
        distortion[3] = -distortion[3]  # p2, the tangential term along x
    return replace(camera, K=K, distortion=distortion)
