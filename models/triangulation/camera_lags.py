"""How far the clocks of cameras are apart, told by the people they film.

A person in motion is at one place at a time: if a camera's time stamps are late, the rays of what it saw miss
those of the others by the lag times the speed. The lag and drift per camera that bring the rays together best
are found by Gauss-Newton on the reprojection errors of all joints over a stretch of time; the joints' places
are eliminated from the equations as in bundle adjustment (Triggs et al., *Bundle adjustment: a modern
synthesis*, 1999, section 6), so that only two unknowns per camera remain. Its uncertainty comes from how much
pieces of the stretch disagree (a sandwich estimate over blocks of a second), because errors of keypoints last
over many frames and are anything but independent.

A lag is observable only where there is motion across a camera's line of sight; where there is little, its
standard deviation says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from calibration.rig import Rig
from configs.loading import Config

Floats = NDArray[np.float64]

_LEAST_SAMPLES: Final = 16
"""Pictures a camera must have at least."""
_GOLDEN: Final = 0.6180339887
_BLOCK_S: Final = 1.0
_LEAST_BLOCKS: Final = 8
"""A scatter of fewer blocks says little about its own size."""


class LagConfig(Config):
    """How lags are searched for."""

    place_ms: float = Field(120.0, gt=0.0)
    """Half width of the window over which a keypoint moves along a parabola, for its place."""
    speed_ms: float = Field(250.0, gt=0.0)
    """The same for its speed, which says how far a lag moves it: calm matters more than detail there."""
    step_ms: float = Field(33.0, gt=0.0)
    """Distance of the instants that are compared."""
    min_score: float = Field(0.3, ge=0.0, le=1.0)
    """Keypoints with a smaller score do not take part."""
    rounds: int = Field(12, ge=1, le=100)
    most_lag_ms: float = Field(150.0, gt=0.0)
    """A solution beyond it is none: the stretch of time does not tell."""
    observable_ms: float = Field(1.0, gt=0.0)
    """A lag with a larger standard deviation is not worth applying."""


@dataclass(frozen=True)
class ViewTrack:
    """What one camera saw of one person over time.

    Attributes:
        times_ns: (K,) time stamps, rising.
        keypoints: (K, J, 2) distorted px, NaN where missing.
        scores: (K, J) in [0, 1].
    """

    times_ns: NDArray[np.int64]
    keypoints: Floats
    scores: Floats


@dataclass(frozen=True)
class CameraLags:
    """Lags relative to the first camera of the rig, in the sense of ``Camera.lag_ms``.

    Attributes:
        cameras: Names; the first is the reference with lag 0.
        at_ns: The instant the lags are about: the middle of the stretch.
        lag_ms: (V,) by how much the scene in the pictures is older than their stamps, more than in those of
            the reference.
        std_ms: (V,) standard deviation, infinite where nothing tells.
        drift_ppm: (V,) by how much the camera's stamps run faster than the reference's.
        drift_std_ppm: (V,).
        observable: (V,) whether the deviation is small enough to apply the lag.
        error_px: Median distance of keypoints from the reprojected joints without the lags.
        error_with_px: The same with them.
        instants: How many were compared.
    """

    cameras: tuple[str, ...]
    at_ns: int
    lag_ms: Floats
    std_ms: Floats
    drift_ppm: Floats
    drift_std_ppm: Floats
    observable: NDArray[np.bool_]
    error_px: float
    error_with_px: float
    instants: int


def estimate_lags(
    rig: Rig, tracks: Sequence[ViewTrack], config: LagConfig | None = None
) -> CameraLags | None:
    """Find the lags of cameras from one person's keypoints.

    Args:
        rig: Calibrated cameras. Their own ``lag_ms`` are not applied: what is found includes them.
        tracks: One per camera.
        config: See ``LagConfig``.

    Returns:
        Lags, or None where cameras do not see the person together for as long as eight seconds.
    """
    config = config or LagConfig()
    search = _Search(rig, tracks, config)
    return search.run() if search.enough else None


@dataclass(frozen=True)
class _Look:
    """All views at the instants that are compared.

    Attributes:
        places: (N, V, J, 2) ideal px.
        speeds: (N, V, J, 2) px/ms, the slope of what the places are read from.
        calm_speeds: (N, V, J, 2) px/ms, from a longer window.
        weights: (N, V, J) 1 where seen, and by another view, too.
    """

    places: Floats
    speeds: Floats
    calm_speeds: Floats
    weights: Floats


class _Search:
    """One stretch of time; ``state`` is (V, 2): lag in ms at the middle, and change over half its length."""

    def __init__(self, rig: Rig, tracks: Sequence[ViewTrack], config: LagConfig) -> None:
        self.rig = rig
        self.config = config
        self.projections = rig.projections
        first = max((int(track.times_ns[0]) for track in tracks if len(track.times_ns)), default=0)
        last = min((int(track.times_ns[-1]) for track in tracks if len(track.times_ns)), default=0)
        margin_ns = round((max(config.place_ms, config.speed_ms) + 20.0) * 1e6)
        self.origin_ns = (first + last) // 2
        half_ms = (last - first - 2 * margin_ns) / 2e6
        self.half_ms = half_ms
        count = int(2 * half_ms / config.step_ms) + 1 if half_ms > 0 else 0
        # Not evenly: instants that keep step with the pictures of a camera would see all of them at the same
        # distance, and what noise does there would not average out. The golden ratio spreads best.
        uneven = (np.arange(count) * _GOLDEN) % 1.0 - 0.5
        self.instants = -half_ms + (np.arange(count) + 0.5 + uneven) * (2 * half_ms / max(count, 1))
        everyone = all(len(track.times_ns) >= _LEAST_SAMPLES for track in tracks)
        self.enough = everyone and len(tracks) > 1 and 2 * half_ms >= _LEAST_BLOCKS * _BLOCK_S * 1e3
        if not self.enough:
            return
        self.tau = self.instants / half_ms
        self.times = [(track.times_ns - self.origin_ns) / 1e6 for track in tracks]
        self.points = []
        self.weights = []
        for camera, track in zip(rig.cameras, tracks, strict=True):
            ideal = camera.undistort(track.keypoints)
            seen = np.isfinite(ideal).all(-1) & (track.scores >= config.min_score)
            self.points.append(np.where(seen[..., None], ideal, 0.0))
            self.weights.append(seen.astype(np.float64))

    def run(self) -> CameraLags:
        views = len(self.rig)
        state = np.zeros((views, 2))
        before = self._errors(self._look(state))
        scale = 1.4826 * before
        free = np.arange(views) > 0
        A, blocks = np.zeros((2 * views, 2 * views)), np.zeros((0, 2 * views))
        for round_ in range(self.config.rounds):
            A, blocks, scale = self._equations(self._look(state), scale)
            # Drift only once lags are about right: far away, a drift can pretend to explain a lag.
            unknown = np.concatenate([free, free if round_ > 1 else np.zeros(views, bool)])
            step = np.zeros(2 * views)
            step[unknown] = -_solve(A[np.ix_(unknown, unknown)], blocks.sum(axis=0)[unknown])
            state += step.reshape(2, views).T
            if round_ > 2 and np.abs(step).max() < 1e-3:
                break
        both = np.concatenate([free, free])
        covariance = np.zeros((2 * views, 2 * views))
        covariance[np.ix_(both, both)] = _sandwich(A[np.ix_(both, both)], blocks[:, both])
        deviations = np.sqrt(np.diag(covariance)).reshape(2, views)
        ppm = 1e6 / self.half_ms
        found = np.isfinite(state).all(axis=1) & (np.abs(state[:, 0]) <= self.config.most_lag_ms)
        std = np.where(found, deviations[0], np.inf)
        return CameraLags(
            cameras=self.rig.names,
            at_ns=self.origin_ns,
            lag_ms=np.where(found, state[:, 0], np.nan),
            std_ms=std,
            drift_ppm=np.where(found, state[:, 1] * ppm, np.nan),
            drift_std_ppm=np.where(found, deviations[1] * ppm, np.inf),
            observable=found & (std <= self.config.observable_ms),
            error_px=before,
            error_with_px=self._errors(self._look(state)),
            instants=len(self.instants),
        )

    def _look(self, state: Floats) -> _Look:
        looks = []
        for view in range(len(self.rig)):
            at = self.instants + state[view, 0] + state[view, 1] * self.tau
            place, speed, good = self._parabolas(view, at, self.config.place_ms)
            _, calm, also_good = self._parabolas(view, at, self.config.speed_ms)
            looks.append((place, speed, calm, good * also_good))
        places, speeds, calm_speeds, weights = (np.stack(column, 1) for column in zip(*looks, strict=True))
        return _Look(places, speeds, calm_speeds, self._seen_by_two(weights))

    def _parabolas(self, view: int, at_ms: Floats, width: float) -> tuple[Floats, Floats, Floats]:
        """Place (N, J, 2), speed (N, J, 2) per ms, and weight (N, J) by a local fit of second order.

        With samples on both sides, errors of place and speed are hardly correlated; a difference of
        neighbours would correlate them and pull the lag towards where the samples lie.
        """
        times = self.times[view]
        middle = np.searchsorted(times, at_ms)
        # As many before as after, and all that lie in the window: another choice would be correlation again.
        half = int(width / float(np.median(np.diff(times)))) + 1
        picked = np.clip(middle[:, None] + np.arange(-half, half), 0, len(times) - 1)
        # A picture that is picked twice, at the ends, counts once.
        again = np.concatenate([np.zeros((len(at_ms), 1), bool), picked[:, 1:] == picked[:, :-1]], axis=1)
        offsets = (times[picked] - at_ms[:, None]) / width
        near = np.where(again, 0.0, np.clip(1.0 - np.abs(offsets) ** 3, 0.0, None) ** 3)
        weights = near[..., None] * self.weights[view][picked]  # (N, S, J)
        powers = offsets[..., None] ** np.arange(3)  # (N, S, 3)
        normal = np.einsum("nsj,nsa,nsb->njab", weights, powers, powers)
        right = np.einsum("nsj,nsa,nsjc->njac", weights, powers, self.points[view][picked])
        counted = weights > 0.02
        earlier = (counted & (offsets[..., None] < 0)).sum(axis=1)
        later = (counted & (offsets[..., None] >= 0)).sum(axis=1)
        good = (earlier >= 1) & (later >= 1) & (earlier + later >= 4)
        normal[~good] = np.eye(3)
        fitted = np.linalg.solve(normal + 1e-9 * np.eye(3), right)
        return fitted[..., 0, :], fitted[..., 1, :] / width, good.astype(np.float64)

    def _triangulated(self, places: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """Joints (N, J, 4) homogeneous, and residuals (N, V, J, 2) px of all views."""
        P = self.projections
        rows = places[..., None] * P[None, :, None, None, 2] - P[None, :, None, :2]  # (N, V, J, 2, 4)
        rows = rows / np.linalg.norm(P[:, 2, :3], axis=1)[None, :, None, None, None] / 1e3
        normal = np.einsum("nvj,nvjca,nvjcb->njab", weights, rows, rows)
        # Millimetres beside ones: balanced, or the smallest eigenvector drowns in rounding.
        balance = np.array([1.0, 1.0, 1.0, 1e3])
        joints = np.linalg.eigh(normal / np.outer(balance, balance))[1][..., 0] / balance
        seen = np.einsum("vab,njb->nvja", P, joints)
        with np.errstate(divide="ignore", invalid="ignore"):
            residuals = places - seen[..., :2] / seen[..., 2:]
        return joints, residuals

    def _equations(self, look: _Look, scale: float) -> tuple[Floats, Floats, float]:
        """Matrix (2V, 2V), right sides by block (B, 2V), and the residuals' new scale.

        What is asked for is that residuals do not go with calm speeds any more, an instrument in the sense
        of statistics: with the noisy speeds that belong to the places in its stead, noise would be taken for
        motion, and the matrix and with it the certainty would come out too large.
        """
        speeds, calm = look.speeds, look.calm_speeds
        joints, residuals = self._triangulated(look.places, look.weights)
        distance = np.linalg.norm(residuals, axis=-1)
        used = look.weights * np.isfinite(distance)
        scale = 1.4826 * float(np.median(distance[used > 0])) if used.any() else scale
        distance = np.where(used > 0, distance, 1.0)
        huber = np.minimum(1.0, 2.0 * scale / np.maximum(distance, 1e-9))
        W = used * np.where(distance < 8.0 * scale, huber, 0.0)
        residuals = np.where(used[..., None] > 0, residuals, 0.0)
        slopes = self._slopes(joints)  # (N, V, J, 2, 3)
        slopes = np.where(used[..., None, None] > 0, slopes, 0.0)
        H = np.einsum("nvj,nvjca,nvjcb->njab", W, slopes, slopes)
        lone = (W > 0).sum(axis=1) < 2
        H[lone] = np.eye(3)
        W = np.where(lone[:, None], 0.0, W)
        inverse = np.linalg.inv(H + 1e-12 * np.eye(3))
        cross = np.einsum("nvj,nvjca,nvjc->njva", W, slopes, speeds)  # (N, J, V, 3)
        calm_cross = np.einsum("nvj,nvjca,nvjc->njva", W, slopes, calm)
        pull = np.einsum("nvj,nvjca,nvjc->nja", W, slopes, residuals)
        lag = -np.einsum("njva,njab,njwb->nvw", calm_cross, inverse, cross)
        views = np.arange(lag.shape[1])
        lag[:, views, views] += np.einsum("nvj,nvjc,nvjc->nv", W, calm, speeds)
        gradient = np.einsum("nvj,nvjc,nvjc->nv", W, calm, residuals)
        gradient -= np.einsum("njva,njab,njb->nv", calm_cross, inverse, pull)
        tau = self.tau
        A = np.block(
            [
                [lag.sum(0), (lag * tau[:, None, None]).sum(0)],
                [(lag * tau[:, None, None]).sum(0), (lag * tau[:, None, None] ** 2).sum(0)],
            ]
        )
        gradients = np.concatenate([gradient, gradient * tau[:, None]], axis=1)
        block = ((self.instants - self.instants[0]) / (_BLOCK_S * 1e3)).astype(int)
        sums = np.zeros((block[-1] + 1, gradients.shape[1]))
        np.add.at(sums, block, gradients)
        return A, sums, scale

    def _slopes(self, joints: Floats) -> Floats:
        """(N, V, J, 2, 3) px per mm: how the image of a joint moves with the joint."""
        P = self.projections
        with np.errstate(divide="ignore", invalid="ignore"):
            X = joints / joints[..., 3:]
            seen = np.einsum("vab,njb->nvja", P, X)
            image = seen[..., :2] / seen[..., 2:]
            slopes = (P[None, :, None, :2, :3] - image[..., None] * P[None, :, None, None, 2, :3]) / seen[
                ..., 2:, None
            ]
        return np.asarray(np.nan_to_num(slopes, nan=0.0, posinf=0.0, neginf=0.0), np.float64)

    def _errors(self, look: _Look) -> float:
        """Median distance, px, over everything that two cameras see."""
        _, residuals = self._triangulated(look.places, look.weights)
        distance = np.linalg.norm(residuals, axis=-1)[look.weights > 0]
        distance = distance[np.isfinite(distance)]
        return float(np.median(distance)) if len(distance) else float("nan")

    @staticmethod
    def _seen_by_two(weights: Floats) -> Floats:
        return np.where((weights > 0).sum(axis=1, keepdims=True) >= 2, weights, 0.0)


def _solve(A: Floats, b: Floats) -> Floats:
    """What is not determined stays where it is."""
    return np.asarray(np.linalg.pinv(A, rcond=1e-10) @ b, np.float64)


def _sandwich(A: Floats, gradients: Floats) -> Floats:
    """Covariance of the solution from the scatter of the blocks' gradients; infinite where A is singular."""
    count = len(gradients)
    try:
        inverse = np.linalg.inv(A)
    except np.linalg.LinAlgError:
        return np.diag(np.full(len(A), np.inf))
    return np.asarray(inverse @ (gradients.T @ gradients) @ inverse.T * count / max(count - 1, 1), np.float64)
