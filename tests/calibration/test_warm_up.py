"""Kernels are loaded beforehand, in a thread that ends by itself."""

from __future__ import annotations

from calibration.bundle_kernel import view_blocks
from calibration.warm_up import warm_up_meanwhile


def test_the_kernels_of_the_solve_are_loaded():
    thread = warm_up_meanwhile()
    thread.join(120.0)  # the first time on a machine it compiles them
    assert not thread.is_alive()
    assert view_blocks.signatures
