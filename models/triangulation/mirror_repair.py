"""Left/right exchanges of a whole person in some views, found by comparing the views, and undone."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.loading import Config
from models.skeleton import Skeleton
from models.triangulation.mirror_evidence import (
    SidePairs,
    against_joints,
    against_view,
    chirality,
    fundamental_matrices,
    preference,
)
from models.triangulation.robust import RobustTriangulator

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SWEEPS = 3
"""Rounds of labelling against the body and triangulating it again; labels settle in one or two."""
PEOPLE = 64
"""People remembered; the one not seen for longest is forgotten first."""


class MirrorRepairConfig(Config):
    """When to believe that a view is mirrored."""

    margin: float = Field(0.1, ge=0.0, lt=1.0)
    """Relative difference of the two errors that it takes to change the label of a view. Seen from the
    side, left and right coincide, the difference vanishes, and the label stays."""
    stale_mm: float = Field(250.0, gt=0.0)
    """Mean distance at which the body of the previous frame no longer says anything: the distance between
    left and right."""
    doubt_frames: float = Field(60.0, gt=1.0)
    """Memory of the vote on which of the two consistent labellings is the true one."""


@dataclass
class _Memory:
    swapped: Bools
    joints: Floats
    trust: float = 0.0


class MirrorRepair:
    """Recognises and repairs whole-person left/right exchanges; causal, and linear in the number of views.

    A view is compared with the body of the previous frame, as labelled and mirrored, then with the body
    that the relabelled views give together, until nothing changes. The first frame, without a body, starts
    from the epipolar lines of the most confident view. A label stays until the evidence against it exceeds
    a margin, so a detector that keeps its sides exchanged is repaired in every frame.

    Views among themselves only fix the labels up to mirroring all of them. That choice follows a vote: most
    views are right most of the time, and nose and toes point forward; it is revised when the vote
    contradicts it for long.

    Args:
        config: See ``MirrorRepairConfig``.
        triangulator: Gives the body; its rig orders the views.
        skeleton: Says which joints are left and right.
    """

    Config = MirrorRepairConfig

    def __init__(
        self, config: MirrorRepairConfig, triangulator: RobustTriangulator, skeleton: Skeleton
    ) -> None:
        self.config = config
        self.triangulator = triangulator
        self.skeleton = skeleton
        self._pairs = SidePairs(skeleton)
        self._projections = triangulator.rig.projections
        self._epipolar = fundamental_matrices(triangulator.rig)
        self._people: OrderedDict[int, _Memory] = OrderedDict()

    def reset(self) -> None:
        """Forget everybody, as after a cut."""
        self._people.clear()

    def forget(self, person: int) -> None:
        """Forget one person, as when the number is given to somebody else."""
        self._people.pop(person, None)

    def __call__(self, keypoints: Floats, scores: Floats, person: int) -> tuple[Floats, Floats, Bools]:
        """Relabel one person at one instant; call in the order of time.

        Args:
            keypoints: (V, J, 2) distorted px, NaN where missing.
            scores: (V, J) in [0, 1].
            person: Identity number, under which the labelling is remembered.

        Returns:
            keypoints and scores with left and right exchanged where needed (copies), and (V,) which views
            were.
        """
        keypoints, scores = np.asarray(keypoints, np.float64), np.asarray(scores, np.float64)
        ideal = self.triangulator.undistort(keypoints[None])[0]
        usable = np.isfinite(ideal[..., 0]) & (scores >= self.triangulator.config.min_score)
        weights = np.where(usable, scores, 0.0)
        seen = np.any(weights[:, np.append(self._pairs.left, self._pairs.right)] > 0.0, axis=1)
        memory = self._people.get(person)
        errors = None
        if memory is not None:
            errors = self._errors(memory, ideal, weights)
            if not self._still_there(*errors):
                memory = None
        if memory is None:
            memory, errors = self._begin(ideal, weights, seen), None
        evidence = self._settle(memory, ideal, weights, errors)
        self._vote(memory, evidence)
        self._people[person] = memory
        self._people.move_to_end(person)
        if len(self._people) > PEOPLE:
            self._people.popitem(last=False)
        swapped = memory.swapped & seen
        return self._exchange(keypoints, swapped), self._exchange(scores, swapped), swapped

    def _exchange(self, values: Floats, swapped: Bools) -> Floats:
        """Copy of (V, J, ...) values with left and right exchanged in some views."""
        result = values.copy()
        result[swapped] = values[swapped][:, self.skeleton.mirror]
        return result

    def _errors(self, memory: _Memory, ideal: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """(V,) of the views against the body, as labelled and mirrored."""
        return against_joints(memory.joints, ideal, weights, self._projections, self._pairs)

    def _still_there(self, as_labelled: Floats, mirrored: Floats) -> bool:
        errors = np.fmin(as_labelled, mirrored)
        known = errors[np.isfinite(errors)]
        return len(known) > 0 and float(np.median(known)) <= self.config.stale_mm

    def _begin(self, ideal: Floats, weights: Floats, seen: Bools) -> _Memory:
        """Labels relative to the most confident view, by epipolar lines; unclear views sit out at first."""
        seed = int(weights.sum(axis=1).argmax())
        towards = preference(*against_view(seed, ideal, weights, self._epipolar[seed], self._pairs))
        swapped = towards < -self.config.margin
        swapped[seed] = False
        clear = np.abs(towards) > self.config.margin
        clear[seed] = True
        if clear.sum() < 2:
            clear = seen
        memory = _Memory(swapped, self._body(ideal, np.where(clear[:, None], weights, 0.0), swapped))
        evidence = self._settle(memory, ideal, weights)
        if self._opinion(memory, evidence) < 0.0:
            self._mirror(memory)
        return memory

    def _settle(
        self, memory: _Memory, ideal: Floats, weights: Floats, errors: tuple[Floats, Floats] | None = None
    ) -> Floats:
        """Relabel the views by the body and the body by the views; returns (V,) evidence on raw labels.

        ``errors`` are those of ``memory`` where they are known already.
        """
        evidence = np.zeros(len(ideal))
        for _ in range(SWEEPS):
            evidence = preference(*(errors or self._errors(memory, ideal, weights)))
            errors = None
            contradicted = np.where(memory.swapped, evidence, -evidence) > self.config.margin
            memory.swapped ^= contradicted
            body = self._body(ideal, weights, memory.swapped)
            # A joint that nobody sees now is still the best guess of where it is.
            memory.joints = np.where(np.isfinite(body), body, memory.joints)
            if not contradicted.any():
                break
        return evidence

    def _body(self, ideal: Floats, weights: Floats, swapped: Bools) -> Floats:
        relabelled, scores = self._exchange(ideal, swapped), self._exchange(weights, swapped)
        body: Floats = self.triangulator.triangulate_ideal(relabelled[None], scores[None]).joints[0]
        return body

    def _opinion(self, memory: _Memory, evidence: Floats) -> float:
        """In [-1.5, 1.5]: positive when views and anatomy take the present labelling for the true one."""
        clear = np.abs(evidence) > self.config.margin
        views = float(np.sign(evidence[clear]).mean()) if clear.any() else 0.0
        return views + 0.5 * chirality(memory.joints, self.skeleton)

    def _vote(self, memory: _Memory, evidence: Floats) -> None:
        frames = self.config.doubt_frames
        memory.trust = memory.trust * (1.0 - 1.0 / frames) + self._opinion(memory, evidence)
        # A vote of -1/2 per frame, three of four views against one, is believed after 0.7 of the memory.
        if memory.trust < -frames / 4.0:
            self._mirror(memory)

    def _mirror(self, memory: _Memory) -> None:
        memory.swapped = ~memory.swapped
        memory.joints = memory.joints[self.skeleton.mirror]
        memory.trust = -memory.trust
