"""Whether enough moments tie the cameras together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from calibration.diagnosis import Diagnosis
from calibration.view_graph import ViewGraph

ENOUGH_SHARED = 10
"""Moments that tie a camera to the others; fewer leave its place to the luck of single views."""


def check_links(graph: ViewGraph) -> Iterator[Diagnosis]:
    """Groups of cameras that few moments tie together."""
    names, shared = graph.cameras, np.asarray(graph.shared)
    for pair in graph.tree:
        side = _side(names, graph.tree, pair)
        inside = np.array([name in side for name in names])
        between = shared[np.ix_(inside, ~inside)]
        if between.sum() >= ENOUGH_SHARED:
            continue
        a, b = (names.index(name) for name in pair)
        seen = int(shared[a, b])
        alone = (
            pair[0] if inside.sum() == 1 and inside[a] else pair[1] if inside.sum() == len(names) - 1 else ""
        )
        what = f"the place of {alone} rests" if alone else "the rig rests"
        yield Diagnosis(
            "weak_link",
            "warning",
            f"{what} on only {seen} moments at which {pair[0]} and {pair[1]} both see the board: show it to "
            f"both at once in {ENOUGH_SHARED - seen} or more further places",
            pair,
        )


def _side(names: tuple[str, ...], tree: tuple[tuple[str, str], ...], cut: tuple[str, str]) -> set[str]:
    """Cameras on the side of the first of a pair when the tree is cut there."""
    side = {cut[0]}
    for _ in names:
        for first, second in tree:
            if (first, second) != cut and (first in side) != (second in side):
                side |= {first, second}
    return side
