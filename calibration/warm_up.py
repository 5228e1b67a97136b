"""Loading what a solve needs before it is needed.

The modules of the solver take a third of a second to load, and the first compiled function that runs makes
numba load its machinery, a fifth of a second more: together more than the solve of four webcams takes. While
boards are searched in footage, or collected from running cameras, there is time for that.
"""

from __future__ import annotations

import threading

import numpy as np


def warm_up() -> None:
    """Load the solver and run the kernels that everything else uses, on one view of one square.

    A second call costs 1 ms.
    """
    import calibration.calibrator  # noqa: F401 - for the sake of having it
    from calibration.board_pose import estimate_board_poses
    from calibration.distortion import Lens
    from calibration.projection_kernel import packed_intrinsics

    square = np.array([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0], [0.0, 50.0, 0.0], [50.0, 50.0, 0.0]])
    K = np.array([[500.0, 0.0, 320.0], [0.0, 500.0, 240.0], [0.0, 0.0, 1.0]])
    pixels = 500.0 * square[:, :2] / 1000.0 + [320.0, 240.0]
    lens = Lens("pinhole", np.zeros(5))
    estimate_board_poses(
        np.array([0, 4]), np.array([0]), [lens], packed_intrinsics(K, lens.coefficients)[None], square, pixels
    )


def warm_up_meanwhile() -> threading.Thread:
    """Do that in a thread; nobody needs to wait for it."""
    thread = threading.Thread(target=warm_up, name="warm-up")
    thread.start()
    return thread
