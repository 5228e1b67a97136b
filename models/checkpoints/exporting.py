"""``models export``: a network as one file that runs without this program, tried out before it is written."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from configs.atomic_file import write_atomic
from configs.errors import MissingExtraError, PosestageError, bad_input
from models.checkpoints.exportable import Exportable, ExportableBackbone, Outputs, Sample, exportable
from models.checkpoints.opening import OpenedNetwork, open_network

CARD = "posestage.json"
"""Name of the note inside a file that says what it is."""
NEEDED = ("onnx", "onnxscript", "onnxruntime")
LARGEST = 64
"""Most samples, and most views, that a file with open sizes promises to take."""
EPSILON = 2.0**-24
"""Relative rounding of a float32."""
DRAWS = 3
"""Random changes tried; that all of them leave a keypoint where it is by chance is then unlikely."""
MARGIN = 4.0
"""How much farther than this noise two correct answers may be apart: both are rounded (a factor of 1.4), and
the largest of a few draws varies by a factor of 2 to 3."""
SUMMATION = 8.0
"""Roundings, relative to the size of an output, of the few steps that make it."""

Run = Callable[[Mapping[str, Tensor]], Outputs]


@dataclass(frozen=True)
class ExportReport:
    """What was written and how well it agrees.

    Attributes:
        file: Where.
        kind: Name in ``ARCHITECTURES``.
        part: What of the network it holds, empty for all.
        inputs: Shapes by name; a word stands for a size that is open.
        differences: Largest difference to the network by output.
        limits: Up to where it is rounding.
        size_bytes: Of the file.
    """

    file: Path
    kind: str
    part: str
    inputs: dict[str, list[int | str]]
    differences: dict[str, float]
    limits: dict[str, float]
    size_bytes: int


def export_checkpoint(
    source: str,
    out: Path,
    *,
    kind: str | None = None,
    settings: Mapping[str, Any] | None = None,
    views: int | None = None,
    crop: int = 384,
    batch: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> ExportReport:
    """Export a network with trained weights, see ``export_network``.

    Args:
        source: Name of an imported network, or a file, see ``open_network``.
        out: ``.pt2`` or ``.onnx``.
        kind: See ``open_network``.
        settings: See ``open_network``.
        views: See ``export_network``.
        crop: See ``export_network``.
        batch: See ``export_network``.
        tell: Is told what is being done.
    """
    check_target(out)
    opened = open_network(source, kind, settings or {})
    return export_network(opened, out, views=views, crop=crop, batch=batch, tell=tell)


def check_target(out: Path) -> None:
    """Complain before anything is computed.

    Raises:
        BadInputError: The name says no format, or there is no such folder.
        MissingExtraError: The format needs packages that are not installed.
    """
    if out.suffix not in (".pt2", ".onnx"):
        raise bad_input("the name of the file says the format", file=out, allowed="*.pt2, *.onnx")
    if not out.parent.is_dir():
        raise bad_input("the folder does not exist", file=out.parent)
    missing = [name for name in NEEDED if find_spec(name) is None]
    if out.suffix == ".onnx" and missing:
        raise MissingExtraError(f'ONNX needs the package {missing[0]}; run: pip install -e ".[export]"')


def export_network(
    opened: OpenedNetwork,
    out: Path,
    *,
    views: int | None = None,
    crop: int = 384,
    batch: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> ExportReport:
    """Export a network, run the result on random input, compare, write.

    Args:
        opened: On the CPU.
        out: ``.pt2`` (``torch.export``) or ``.onnx``; replaced if it exists, once the new one is right.
        views: Views per sample, or None for any number.
        crop: Side of the square pictures, px.
        batch: Samples (for a bare backbone: pictures), or None for any number.
        tell: Is told what is being done.

    Raises:
        BadInputError: A size does not fit the network, or see ``check_target``.
        MissingExtraError: See ``check_target``.
        PosestageError: The file does not say what the network says; nothing is written then.
    """
    check_target(out)
    form = exportable(opened.network, whole=out.suffix == ".pt2")
    _check_sizes(form, views, crop, batch)
    example = _sample(form, batch or 2, views or max(3, form.fewest_views), crop, seed=1)
    card = {"kind": opened.kind, "skeleton": opened.skeleton, "part": form.part, "weights": opened.hashes()}
    tell(f"exporting {opened.kind} to {out.name}")
    with torch.no_grad():
        save = _torch_export if out.suffix == ".pt2" else _onnx_export
        content = save(form, example, _open_sizes(form, views, batch), json.dumps(card))
        run = (_torch_runner if out.suffix == ".pt2" else _onnx_runner)(content)
        tell("comparing the file with the network")
        trials = [example]
        # Other sizes than the file was made with, where it promises to take them.
        if (other := (batch or 1, views or form.fewest_views)) != (batch or 2, views or 3):
            trials.append(_sample(form, *other, crop, seed=2))
        differences, limits = compare(form, run, trials)
    wrong = [name for name, limit in limits.items() if not differences[name] <= limit]
    if wrong:
        found = ", ".join(
            f"{name} by up to {differences[name]:.3g} (limit {limits[name]:.3g})" for name in wrong
        )
        raise PosestageError(f"{out}: not written, because it differs from the network: {found}")
    write_atomic(out, content)
    shapes = _described(form, example, views, batch)
    return ExportReport(out, opened.kind, form.part, shapes, differences, limits, len(content))


def compare(
    form: Exportable, run: Run, trials: list[dict[str, Tensor]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Largest differences between a file and its network by output, and their limits.

    The limit is what rounding can do, found by trying: all numbers that go in are changed by random amounts
    of the size that the roundings in a sum have, and the outputs watched. Whether something is true is never
    a matter of rounding.

    Args:
        form: The network.
        run: The file.
        trials: Inputs.
    """
    differences: dict[str, float] = {}
    limits: dict[str, float] = {}
    closest: dict[str, float] = {}
    for inputs in trials:
        found = run(inputs)
        expected = form.expected(inputs, found)
        noise = {name: torch.zeros_like(_deviations(name, value, value)) for name, value in expected.items()}
        for draw in range(DRAWS):
            moved = _shaken_network(form, draw).expected(_shaken_inputs(inputs, draw), found)
            for name, value in expected.items():
                noise[name] = torch.maximum(noise[name], _deviations(name, moved[name], value))
        for name, value in expected.items():
            difference = _deviations(name, found[name], value)
            limit = torch.zeros_like(difference)
            if value.is_floating_point():
                limit = MARGIN * noise[name] + SUMMATION * EPSILON * form.scale(name, value)
            # The place that is closest to its limit, or farthest beyond; of exact ones the one known best.
            closeness = torch.where(difference > 0, difference / limit, -limit)
            worst = closeness.argmax()
            if float(closeness[worst]) > closest.get(name, -float("inf")):
                closest[name] = float(closeness[worst])
                differences[name], limits[name] = float(difference[worst]), float(limit[worst])
    return differences, limits


def _deviations(name: str, found: Tensor, expected: Tensor) -> Tensor:
    """Largest difference; for keypoints of each, since one may be known far worse than another.

    Infinite where shapes, or what is not a number, disagree.
    """
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return torch.full((1,), torch.inf, dtype=torch.float64)
    difference = (found.double() - expected.double()).abs()
    finite = found.isfinite() & expected.isfinite()
    difference = difference.where(finite, torch.inf).where(found.isfinite() | expected.isfinite(), 0.0)
    each = name.startswith("keypoints")
    return difference.flatten(0, -2).amax(dim=-1) if each else difference.amax().reshape(1)


def _shaken_network(form: Exportable, draw: int) -> Exportable:
    """A copy whose weights are off by what n roundings of a sum of n terms add up to, EPSILON sqrt(n)."""
    generator = torch.Generator().manual_seed(draw)
    shaken = deepcopy(form)
    for parameter in shaken.parameters():
        terms = max(1, parameter[0].numel()) if parameter.dim() > 1 else 1
        noise = torch.randn(parameter.shape, generator=generator) * EPSILON * terms**0.5
        parameter.mul_(1.0 + noise)
    return shaken


def _shaken_inputs(inputs: Mapping[str, Tensor], draw: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(DRAWS + draw)
    return {
        name: value * (1.0 + torch.randn(value.shape, generator=generator) * EPSILON)
        if value.is_floating_point()
        else value
        for name, value in inputs.items()
    }


def _check_sizes(form: Exportable, views: int | None, crop: int, batch: int | None) -> None:
    if crop < 32 or crop % 32:
        raise bad_input("crops are halved five times", key="--crop", value=crop, allowed="multiples of 32")
    if batch is not None and not 1 <= batch <= LARGEST:
        raise bad_input("is no number of samples", key="--batch", value=batch, allowed=f"1 to {LARGEST}")
    if views is not None and isinstance(form, ExportableBackbone):
        raise bad_input("a bare backbone takes single pictures", key="--views", hint="use --batch")
    if views is not None and not form.fewest_views <= views <= LARGEST:
        allowed = f"{form.fewest_views} to {LARGEST}"
        raise bad_input("is no number of views", key="--views", value=views, allowed=allowed)
    if views is None and not form.any_views:
        raise bad_input(
            "a file of this network is for one number of views, because the pairs to try depend on it",
            hint="add --views N",
        )


def _sample(form: Exportable, batch: int, views: int, crop: int, seed: int) -> dict[str, Tensor]:
    views = 1 if isinstance(form, ExportableBackbone) else views
    return Sample.random(batch, views, crop, form.fewest_views, seed).inputs_of(form)


def _open_sizes(form: Exportable, views: int | None, batch: int | None) -> dict[str, dict[int, Any]]:
    """Axes that stay open by input."""
    axes: dict[int, Any] = {} if batch else {0: Dim("batch", min=1, max=LARGEST)}
    of_views = dict(axes)
    if views is None and not isinstance(form, ExportableBackbone):
        of_views[1] = Dim("views", min=form.fewest_views, max=LARGEST)
    return {name: axes if name == "centres" else of_views for name in form.inputs}


def _described(
    form: Exportable, example: Mapping[str, Tensor], views: int | None, batch: int | None
) -> dict[str, list[int | str]]:
    shapes: dict[str, list[int | str]] = {name: list(value.shape) for name, value in example.items()}
    for name, axes in _open_sizes(form, views, batch).items():
        for axis, size in axes.items():
            shapes[name][axis] = size.__name__
    return shapes


def _torch_export(form: Exportable, example: dict[str, Tensor], sizes: dict[str, Any], card: str) -> bytes:
    program = torch.export.export(form, (), kwargs=example, dynamic_shapes=sizes)
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={CARD: card})
    return content.getvalue()


def _torch_runner(content: bytes) -> Run:
    module: nn.Module = torch.export.load(io.BytesIO(content)).module()

    def run(inputs: Mapping[str, Tensor]) -> Outputs:
        outputs: Outputs = module(**inputs)
        return outputs

    return run


def _onnx_export(form: Exportable, example: dict[str, Tensor], sizes: dict[str, Any], card: str) -> bytes:
    outputs = list(form(**example))
    with quiet_exporter():
        program = torch.onnx.export(
            form,
            (),
            kwargs=example,
            input_names=list(example),
            output_names=outputs,
            dynamic_shapes=sizes,
            dynamo=True,
            verbose=False,
        )
    return with_card(program, card)


def with_card(program: torch.onnx.ONNXProgram | None, card: str) -> bytes:
    """An ONNX file that says what it holds."""
    if program is None:
        raise RuntimeError("the exporter returned nothing")
    model = program.model_proto
    entry = model.metadata_props.add()
    entry.key, entry.value = CARD, card
    content: bytes = model.SerializeToString()
    return content


def onnx_session(content: bytes) -> Any:
    """ONNX Runtime on the CPU with as many threads as torch has, to compare the two."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _onnx_runner(content: bytes) -> Run:
    session = onnx_session(content)
    names = [each.name for each in session.get_outputs()]

    def run(inputs: Mapping[str, Tensor]) -> Outputs:
        arrays = session.run(names, {name: value.numpy() for name, value in inputs.items()})
        return {name: torch.from_numpy(array) for name, array in zip(names, arrays, strict=True)}

    return run


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Keep back what the exporter of torch 2.13 says about itself; anything else comes through."""

    def ours(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("torchvision is not installed")

    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    log.addFilter(ours)
    try:
        with warnings.catch_warnings():
            # It copies structures in a way that torch itself has deprecated.
            warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
            # Two inputs share their open sizes on purpose.
            warnings.filterwarnings("ignore", r"# The axis name: \w+ will not be used", UserWarning)
            yield
    finally:
        log.removeFilter(ours)
