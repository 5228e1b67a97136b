import numpy as np

from models.keypoints.blazepose.anchors import anchor_centres


def test_count_and_order() -> None:
    centres = anchor_centres()
    assert centres.shape == (2254, 2)
    # By the definition: 28 x 28 cells of 2, then 14 x 14 of 2, then 7 x 7 of 6; columns run fastest.
    for row, expected in {
        0: (0.5 / 28, 0.5 / 28),
        1: (0.5 / 28, 0.5 / 28),
        2: (1.5 / 28, 0.5 / 28),
        56: (0.5 / 28, 1.5 / 28),
        1567: (27.5 / 28, 27.5 / 28),
        1568: (0.5 / 14, 0.5 / 14),
        1960: (0.5 / 7, 0.5 / 7),
        1965: (0.5 / 7, 0.5 / 7),
        1966: (1.5 / 7, 0.5 / 7),
        2253: (6.5 / 7, 6.5 / 7),
    }.items():
        np.testing.assert_allclose(centres[row], expected, rtol=1e-6)
