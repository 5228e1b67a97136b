"""A network file run by ONNX Runtime, on the device that was asked for and on no other."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from configs.errors import PosestageError, bad_input

log = logging.getLogger(__name__)

Device = Literal["auto", "cpu", "cuda", "tensorrt"]
Shape = tuple[int | None, ...]
"""None where the network takes any length."""

PROVIDERS: Final[dict[str, str]] = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
"""Best first; each device may hand single operations down to those after it."""

_ERRORS_ONLY: Final = 3


class OnnxNetwork:
    """A network with one picture-like input.

    ``run`` releases Python's global lock.

    Args:
        path: An ONNX file; it was verified by who knows where it came from.
        device: ``cpu``, ``cuda`` and ``tensorrt`` are demands: where they cannot be met, nothing runs.
            ``auto`` takes CUDA where it works and says so where it does not.
        threads: Of one run on a CPU; as many as there are processors by default.

    Attributes:
        device: Where it really runs: ``cpu``, ``cuda`` or ``tensorrt``.
        input: Name of its input.
        input_shape: Of its input.
        outputs: Shape by name.

    Raises:
        BadInputError: No such file, no network, more than one input, or the device is not to be had.
    """

    def __init__(self, path: Path, device: Device = "auto", threads: int | None = None) -> None:
        if not path.is_file():
            raise bad_input("no such file", file=path)
        self.device, self._session = _open(path, device, threads)
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{item.name}: {item.type}" for item in inputs)
            raise bad_input(f"the network takes {found}", file=path, allowed="one input of floats")
        self.input: str = inputs[0].name
        self.input_shape = _shape(inputs[0])
        self.outputs: dict[str, Shape] = {item.name: _shape(item) for item in self._session.get_outputs()}
        log.info("%s runs on %s (ONNX Runtime %s)", path.name, self.device, onnxruntime.__version__)

    def run(self, values: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Outputs by name for one input.

        Raises:
            PosestageError: The runtime gave up, out of memory for example.
        """
        names = list(self.outputs)
        try:
            found = self._session.run(names, {self.input: values})
        except Exception as error:  # what it raises has no common type
            raise PosestageError(f"ONNX Runtime on {self.device}: {_first_line(error)}") from error
        return dict(zip(names, found, strict=True))


def available_devices() -> tuple[str, ...]:
    """Devices this build of ONNX Runtime knows, best first; their drivers may still not load."""
    known = onnxruntime.get_available_providers()
    return tuple(device for device, provider in PROVIDERS.items() if provider in known)


def _open(path: Path, device: Device, threads: int | None) -> tuple[str, Any]:
    known = available_devices()
    if device not in ("auto", *PROVIDERS):
        raise bad_input("unknown device", key="device", value=device, allowed=", ".join(("auto", *PROVIDERS)))
    if device != "auto":
        return device, _session(path, device, threads)
    if "cuda" in known:
        try:
            return "cuda", _session(path, "cuda", threads)
        except PosestageError as error:
            log.warning("%s; running on the CPU, which device: auto allows", error)
    return "cpu", _session(path, "cpu", threads)


def _session(path: Path, device: str, threads: int | None) -> Any:
    """A session on exactly this device.

    ONNX Runtime itself goes on with the CPU when a driver does not load, whatever ``disable_fallback`` says
    (its issues 17801, 23372 and 23647), so what it really took is read back.
    """
    known = available_devices()
    if device not in known:
        raise bad_input(
            "this build of ONNX Runtime cannot do that",
            key="device",
            value=device,
            allowed=", ".join(("auto", *known)),
            hint="for NVIDIA: pip install onnxruntime-gpu in place of onnxruntime"
            if device != "cpu"
            else None,
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    # Threads that wait by spinning would take the processor from the grabbers.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    order = list(PROVIDERS)
    wanted: list[Any] = [PROVIDERS[name] for name in order[order.index(device) :] if name in known]
    if device == "tensorrt":
        # Building an engine takes minutes; it is kept beside the network, in the user's own folder.
        engines = path.parent / "tensorrt"
        try:
            engines.mkdir(exist_ok=True)
        except OSError as error:
            log.warning("%s: %s; TensorRT builds its engine anew each time", engines, error.strerror)
        else:
            cache = {"trt_engine_cache_enable": True, "trt_engine_cache_path": str(engines)}
            wanted[0] = (wanted[0], cache)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=wanted)
    except Exception as error:  # what it raises has no common type
        raise bad_input(f"ONNX Runtime cannot load it: {_first_line(error)}", file=path) from error
    taken = session.get_providers()
    if PROVIDERS[device] not in taken:
        raise bad_input(
            f"ONNX Runtime could not start it and would run on {', '.join(taken)} instead",
            key="device",
            value=device,
            hint="check driver, CUDA and cuDNN, or say device: cpu",
        )
    return session


def _shape(item: Any) -> Shape:
    return tuple(length if isinstance(length, int) and length > 0 else None for length in item.shape)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
