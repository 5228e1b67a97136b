from __future__ import annotations

import numpy as np
import pytest

from models.keypoints.blazepose.anchors import anchor_centres
from models.keypoints.blazepose.detector import decode, merge


def row(x: float, y: float, width: float, height: float, point: float = 0.0) -> np.ndarray:
    return np.array([x, y, width, height, *[point] * 8])


def test_decode_keeps_and_places() -> None:
    raw = np.zeros((2254, 12), np.float32)
    logits = np.full(2254, -5.0, np.float32)
    raw[100] = [22.4, -22.4, 112, 56, *range(8)]
    logits[100] = 0.0
    logits[101] = -1e-3  # just below one half
    logits[2000] = 500.0
    rows, scores = decode(raw, logits, 0.5)
    anchor = anchor_centres()[100]
    np.testing.assert_allclose(scores, [0.5, 1.0])
    np.testing.assert_allclose(rows[0, :4], [anchor[0] + 0.1, anchor[1] - 0.1, 0.5, 0.25], rtol=1e-6)
    np.testing.assert_allclose(
        rows[0, 4:].reshape(4, 2), np.arange(8).reshape(4, 2) / 224 + anchor, rtol=1e-6
    )


def test_merge_by_hand() -> None:
    rows = np.stack(
        [
            row(0.30, 0.3, 0.2, 0.2, point=1.0),
            row(0.80, 0.8, 0.2, 0.2, point=5.0),
            row(0.32, 0.3, 0.2, 0.2, point=2.0),  # overlap with the first 0.18/0.22 = 0.82
            row(0.40, 0.3, 0.2, 0.2, point=9.0),  # overlap 0.1/0.3 = 0.33 with the first: the same person
            row(0.42, 0.3, 0.2, 0.2, point=7.0),  # overlap 0.08/0.32 = 0.25: another one
        ]
    )
    merged = merge(rows, np.array([0.9, 0.6, 0.6, 0.5, 0.55]))
    assert [score for _, score in merged] == [0.9, 0.6, 0.55]
    weights = np.array([0.9, 0.6, 0.5]) / 2.0
    np.testing.assert_allclose(merged[0][0][:4], [weights @ [0.30, 0.32, 0.40], 0.3, 0.2, 0.2])
    np.testing.assert_allclose(merged[0][0][4:], weights @ [1, 2, 9])
    np.testing.assert_allclose(merged[1][0], rows[1])
    np.testing.assert_allclose(merged[2][0], rows[4])


def test_merge_ends_with_empty_boxes() -> None:
    merged = merge(np.stack([row(0.5, 0.5, 0.0, 0.0)] * 2), np.array([0.7, 0.8]))
    assert [score for _, score in merged] == [0.8, 0.7]


def test_merge_of_nothing() -> None:
    assert merge(np.zeros((0, 12)), np.zeros(0)) == []


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_merge_does_not_depend_on_the_order(order: list[int]) -> None:
    rows = np.stack([row(0.3, 0.3, 0.2, 0.2), row(0.33, 0.3, 0.2, 0.2), row(0.7, 0.7, 0.1, 0.1)])
    scores = np.array([0.9, 0.8, 0.7])
    expected, found = merge(rows, scores), merge(rows[order], scores[order])
    np.testing.assert_allclose([r for r, _ in found], [r for r, _ in expected])
