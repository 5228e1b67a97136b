"""One network file run by LiteRT on one thread."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from models.keypoints.base import Image


class Network:
    """A LiteRT interpreter that is fed with pictures.

    ``run`` releases Python's global lock, so several networks run side by side in threads; one network must
    be used by one thread at a time.

    Args:
        content: The network file's bytes.
    """

    def __init__(self, content: bytes) -> None:
        # A second thread inside one call brings nothing: views run side by side instead.
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        details = self._interpreter.get_input_details()
        assert len(details) == 1
        self._input = self._interpreter.tensor(details[0]["index"])
        self._outputs = {
            item["name"]: self._interpreter.tensor(item["index"])
            for item in self._interpreter.get_output_details()
        }

    def feed(self, picture: Image, scale: float, offset: float) -> None:
        """Write a (H, W, 3) RGB picture into the input, values ``scale * p + offset``."""
        # No view of the interpreter's memory may outlive this call: it refuses to run while one exists.
        target = self._input()[0]
        np.multiply(picture, np.float32(scale), out=target, dtype=np.float32, casting="unsafe")
        if offset:
            target += np.float32(offset)

    def run(self) -> None:
        """Compute the outputs from the input."""
        self._interpreter.invoke()

    def output(self, name: str) -> NDArray[np.float32]:
        """The output called ``name``, a view that the caller must let go of before the next ``run``."""
        view: NDArray[np.float32] = self._outputs[name]()
        return view


def without_unused_outputs(content: bytes, keep: Collection[str]) -> bytes:
    """The same network without the operations that only serve other outputs.

    What is left computes bit for bit the same numbers.

    Args:
        content: A network file's bytes.
        keep: Names of the outputs that are needed.

    Raises:
        ValueError: The network has no output of such a name.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph: Any = model.subgraphs[0]
    names = {bytes(graph.tensors[index].name).decode(): index for index in graph.outputs}
    missing = set(keep) - set(names)
    if missing:
        raise ValueError(f"the network has no output {', '.join(sorted(missing))}, only {', '.join(names)}")
    graph.outputs = [index for name, index in names.items() if name in keep]
    producer = {
        tensor: number for number, operator in enumerate(graph.operators) for tensor in operator.outputs
    }
    needed: set[int] = set()
    waiting = list(graph.outputs)
    while waiting:
        number = producer.get(waiting.pop())
        if number is not None and number not in needed:
            needed.add(number)
            waiting.extend(graph.operators[number].inputs)
    graph.operators = [graph.operators[number] for number in sorted(needed)]
    builder = flatbuffers.Builder(len(content) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def load_network(path: Path, keep: Collection[str] | None = None) -> bytes:
    """Bytes of a network file, reduced to the outputs in ``keep`` when given."""
    content = path.read_bytes()
    return content if keep is None else without_unused_outputs(content, keep)
