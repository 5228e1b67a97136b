"""Which device a network runs on, and that nobody is deceived about it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
onnx = pytest.importorskip("onnx")

from configs.errors import BadInputError, PosestageError  # noqa: E402
from models.runtimes.onnx_network import OnnxNetwork, available_devices  # noqa: E402
from tests.support.onnx_networks import save  # noqa: E402

TENSORRT, CUDA, CPU = "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    nodes = [onnx.helper.make_node("Mul", ["x", "two"], ["y"])]
    shape = ["batch", 3]
    return save(tmp_path / "double.onnx", nodes, [("x", shape)], [("y", shape)], {"two": np.float32(2)})


@pytest.fixture
def cuda_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build with CUDA on a machine without its libraries: a session comes back all the same, on the CPU."""
    real = onnxruntime.InferenceSession

    def session(path: str, options: Any, providers: list[Any]) -> Any:
        return real(path, options, providers=[name for name in providers if name == CPU])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)


def test_it_runs_and_says_where(doubling: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        network = OnnxNetwork(doubling, "cpu", threads=1)
    assert network.device == "cpu"
    assert "double.onnx runs on cpu" in caplog.text
    assert (network.input, network.input_shape, network.outputs) == ("x", (None, 3), {"y": (None, 3)})
    np.testing.assert_array_equal(network.run(np.ones((2, 3), np.float32))["y"], np.full((2, 3), 2))


def test_what_the_build_lacks_is_refused(doubling: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    assert available_devices() == ("cpu",)
    for device in ("cuda", "tensorrt"):
        with pytest.raises(BadInputError, match=rf"device = '{device}'.*allowed: auto, cpu.*onnxruntime-gpu"):
            OnnxNetwork(doubling, device)  # type: ignore[arg-type]


def test_a_driver_that_does_not_load_is_no_silent_cpu(
    doubling: Path, cuda_that_does_not_load: None, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BadInputError, match=f"would run on {CPU} instead; check driver"):
        OnnxNetwork(doubling, "cuda")
    network = OnnxNetwork(doubling, "auto", threads=1)
    assert network.device == "cpu"
    assert "could not start it" in caplog.text and "which device: auto allows" in caplog.text


def test_unknown_device(doubling: Path) -> None:
    with pytest.raises(
        BadInputError, match="device = 'gpu': unknown device; allowed: auto, tensorrt, cuda, cpu"
    ):
        OnnxNetwork(doubling, "gpu")  # type: ignore[arg-type]


def test_what_is_no_network_with_one_input(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x08\x07 no network")
    with pytest.raises(BadInputError, match=r"broken\.onnx: ONNX Runtime cannot load it"):
        OnnxNetwork(broken, "cpu")
    with pytest.raises(BadInputError, match="no such file"):
        OnnxNetwork(tmp_path / "missing.onnx", "cpu")
    nodes = [onnx.helper.make_node("Add", ["a", "b"], ["c"])]
    two = save(tmp_path / "two.onnx", nodes, [("a", [1]), ("b", [1])], [("c", [1])], {})
    with pytest.raises(BadInputError, match="one input of floats"):
        OnnxNetwork(two, "cpu")


def test_a_failure_while_running_says_where(doubling: Path) -> None:
    with pytest.raises(PosestageError, match="ONNX Runtime on cpu: "):
        OnnxNetwork(doubling, "cpu", threads=1).run(np.ones((2, 4), np.float32))


@pytest.mark.parametrize(
    ("device", "asked", "taken"),
    [
        ("cpu", [CPU], "cpu"),
        ("cuda", [CUDA, CPU], "cuda"),
        ("auto", [CUDA, CPU], "cuda"),
        ("tensorrt", [TENSORRT, CUDA, CPU], "tensorrt"),
    ],
)
def test_each_device_asks_for_itself_first(
    doubling: Path, monkeypatch: pytest.MonkeyPatch, device: Any, asked: list[str], taken: str
) -> None:
    """A build that has everything; what it is asked for is written down, and the CPU does the work."""
    real = onnxruntime.InferenceSession
    orders: list[list[Any]] = []

    class Session:
        def __init__(self, path: str, options: Any, providers: list[Any]) -> None:
            orders.append(providers)
            self._real = real(path, options, providers=[CPU])

        def get_providers(self) -> list[str]:
            return [name if isinstance(name, str) else name[0] for name in orders[-1]]

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [TENSORRT, CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    network = OnnxNetwork(doubling, device, threads=1)
    assert network.device == taken
    (order,) = orders
    assert [name if isinstance(name, str) else name[0] for name in order] == asked
    if device == "tensorrt":  # engines are kept
        assert order[0][1]["trt_engine_cache_path"] == str(doubling.parent / "tensorrt")
    else:
        assert all(isinstance(name, str) for name in order)
