"""Layouts, paddings and the learnt assignment against what they are defined to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from configs.errors import BadInputError
from models.lifting.grid_convolution import neighbours
from models.lifting.learnable_layout import LearnableLayout
from models.lifting.semantic_grid import INITIAL_LAYOUTS, GridLayout


@pytest.mark.parametrize(("padding", "mode"), [("c", "circular"), ("z", "constant"), ("r", "replicate")])
@pytest.mark.parametrize("shape", [(5, 5), (4, 6), (2, 3)])
def test_neighbours_are_those_of_a_padded_grid(padding: str, mode: str, shape: tuple[int, int]) -> None:
    # Cell numbers from 1, so that a padded zero cannot be mistaken for the first cell.
    numbers = torch.arange(1.0, 1 + shape[0] * shape[1]).view(1, 1, *shape)
    expected = functional.unfold(functional.pad(numbers, (1, 1, 1, 1), mode=mode), 3)[0].numpy()
    found = np.append(numbers.flatten().numpy(), 0.0)[neighbours(shape, padding)]
    np.testing.assert_array_equal(found, expected)


def test_joints_survive_the_grid() -> None:
    joints = np.random.default_rng(0).normal(size=(3, 17, 2))
    hand = GridLayout.handcrafted()
    np.testing.assert_allclose(hand.joints(hand.grids(joints)), joints, atol=1e-12)
    assert hand.missing == ()
    for table in INITIAL_LAYOUTS.values():
        layout = GridLayout.of(table)
        back = layout.joints(layout.grids(joints))
        present = [joint for joint in range(17) if joint not in layout.missing]
        np.testing.assert_allclose(back[:, present], joints[:, present], atol=1e-12)
        assert set(layout.missing) == set(range(17)) - set(np.ravel(table).tolist())


def test_layouts_that_are_none_are_sentences() -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        GridLayout.of([[0, 17], [1, 2]])
    with pytest.raises(BadInputError, match="table"):
        GridLayout.of([0, 1, 2])


def test_only_a_layout_that_may_learn_gets_a_gradient() -> None:
    x = torch.randn(4, 17, 2)
    for form, learns in (("frozen", False), ("straight_through", True), ("gumbel", True)):
        layout = LearnableLayout((5, 5), training_form=form)  # type: ignore[arg-type]
        shares = layout.shares()
        assert shares.requires_grad is learns
        # Whatever the gradient, each cell uses one joint: training and evaluation see the same grids.
        np.testing.assert_allclose(shares.detach().amax(dim=2), 1.0, atol=1e-6)
        np.testing.assert_allclose(shares.detach().sum(dim=2), 1.0, atol=1e-6)
        layout.frozen = True
        assert not layout.shares().requires_grad
        layout.frozen = False
        assert not layout.eval().shares().requires_grad
        assert layout.read(shares, layout.grids(shares, x)).shape == x.shape


def test_a_layout_is_really_learnt() -> None:
    """Cells get the joint that lowers the loss: a target that is joint 3 everywhere."""
    torch.manual_seed(0)
    layout = LearnableLayout((5, 5))
    x = torch.randn(64, 17, 2)
    optimizer = torch.optim.Adam(layout.parameters(), lr=0.05)
    for _ in range(150):
        loss = (layout.grids(layout.shares(), x) - x[:, 3, :, None, None]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (layout.assignment() == 3).mean() > 0.9
    assert len(layout.missing()) > 0 and layout.scarcity() > 0.0


def test_joints_without_a_cell_get_one(caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(1)
    layout = LearnableLayout((4, 6), initial="random_prob")
    with torch.no_grad():
        layout.sgt_trans_mat[..., 5] = -1.0
        layout.sgt_trans_mat[0, 7, 5] = -0.5
    lost = layout.missing()
    assert 5 in lost
    assert layout.repair() == lost and layout.missing() == ()
    assert "repaired" in caplog.text
    assert layout.repair() == ()
