"""One recorded case: inputs, expected outputs, and how far ours are from them."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class Deviation(NamedTuple):
    """Largest difference of one quantity, and how much is allowed.

    ``unit`` is "" for absolute numbers, "mm", "px", or "relative".
    """

    quantity: str
    largest: float
    limit: float
    unit: str


@dataclass
class Case:
    """A folder with ``meta.json``, ``io.npz`` and, for networks, ``keys.json``.

    Attributes:
        folder: Where it is.
        extended: Whether there are minutes for it.
        deviations: What was measured.
    """

    folder: Path
    extended: bool = False
    deviations: list[Deviation] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def meta(self) -> dict[str, Any]:
        return json.loads((self.folder / "meta.json").read_text(encoding="utf-8"))

    @property
    def config(self) -> dict[str, Any]:
        return self.meta["config"]

    @cached_property
    def keys(self) -> dict[str, list[int]]:
        """Every state_dict entry in order, with its shape."""
        return json.loads((self.folder / "keys.json").read_text(encoding="utf-8"))

    @cached_property
    def fill(self) -> ModuleType:
        """The rule for weights, which comes with the cases."""
        return fill_module(self.folder.parent)

    @cached_property
    def arrays(self) -> dict[str, NDArray[Any]]:
        with np.load(self.folder / "io.npz") as stored:
            return {name: stored[name] for name in stored.files}

    def tensor(self, name: str, dtype: torch.dtype | None = None) -> Tensor:
        tensor = torch.from_numpy(self.arrays[name])
        return tensor if dtype is None else tensor.to(dtype)

    def images(self) -> Tensor:
        """The exact network input."""
        return torch.from_numpy(self.fill.expand(self.arrays["images_low"], self.meta["image_block"]))

    def filled(self, network: Network) -> Network:
        """The network in evaluation mode with the weights of the case; names, order and shapes must agree."""
        self.fill.load_state(network, self.keys, gains=self.meta["gains"], salt=self.meta["salt"])
        return network.eval()

    def thinned(self, name: str, got: Tensor) -> NDArray[Any]:
        """Ours at the places that were stored of a large output."""
        steps = self.meta.get(f"{name}_steps") or self.meta["steps"][name]
        return self.fill.subsample(got.detach().numpy(), steps)

    def within(
        self,
        quantity: str,
        got: Tensor | ArrayLike,
        expected: Tensor | ArrayLike,
        limit: float,
        unit: str = "",
    ) -> None:
        """Note the largest difference and fail beyond the limit; both may be NaN in the same places.

        With the unit "relative" differences are divided by the largest expected magnitude.
        """
        ours, theirs = as_float64(got), as_float64(expected)
        assert ours.shape == theirs.shape, f"{quantity}: shape {ours.shape}, expected {theirs.shape}"
        missing = np.isnan(theirs)
        np.testing.assert_array_equal(np.isnan(ours), missing, err_msg=f"{quantity}: NaN in other places")
        difference = np.abs(ours - theirs)[~missing]
        largest = float(difference.max()) if difference.size else 0.0
        if unit == "relative":
            largest /= float(np.abs(theirs[~missing]).max()) or 1.0
        self.note(quantity, largest, limit, unit)

    def note(self, quantity: str, largest: float, limit: float, unit: str = "") -> None:
        """As ``within`` for a difference that was computed elsewhere."""
        self.deviations.append(Deviation(quantity, largest, limit, unit))
        assert largest <= limit, f"{self.name}, {quantity}: off by {largest:.3g} {unit}, allowed {limit:.3g}"

    def digest_within(self, quantity: str, got: Tensor, limit: float) -> None:
        """Statistics of a whole output, relative to its sum of magnitudes."""
        expected = self.arrays[f"{quantity}_digest"]
        ours = self.fill.digest(got.detach().numpy())
        # The third is a sum of squares, the fourth and fifth single values: each in its own scale.
        scale = np.array(
            [expected[1], expected[1], expected[2], *np.abs(expected[3:5]).max().repeat(2), expected[1]]
        )
        self.note(f"{quantity}, whole", float((np.abs(ours - expected) / scale).max()), limit, "relative")


def as_float64(values: Tensor | ArrayLike) -> NDArray[np.float64]:
    if isinstance(values, Tensor):
        values = values.detach().numpy()
    return np.asarray(values, np.float64)


_loaded: dict[Path, ModuleType] = {}


def fill_module(folder: Path) -> ModuleType:
    """``fill.py`` of a folder of cases."""
    path = folder.resolve() / "fill.py"
    if path not in _loaded:
        spec = importlib.util.spec_from_file_location(f"parity_fill_{len(_loaded)}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        _loaded[path] = module
    return _loaded[path]


def cases_in(folder: Path) -> list[Path]:
    """Folders that hold a case."""
    return sorted(path.parent for path in folder.glob("*/meta.json"))
