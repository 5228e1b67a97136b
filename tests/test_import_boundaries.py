"""Imports go one way: app -> pipeline -> models -> calibration -> configs.

Checked twice: in the text of every module, which also sees imports inside functions, and by really importing
every module in a fresh interpreter in which the forbidden packages cannot be found.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LAYERS = ("configs", "calibration", "models", "pipeline", "app")
"""Lowest first; each may import itself and those before it."""

PIPELINE = (
    "wire",
    "frames",
    "drivers",
    "take",
    "exporters",
    "rigs",
    "estimation",
    "recording",
    "processes",
    "remote",
    "session",
    "calibrating",
    "benchmarks",
)
"""The folders of ``pipeline``, lowest first; the same rule. A registry names what is above it, as text."""

OWNERS = {"zmq": {"pipeline"}, "PyQt6": {"app"}, "torch": {"models"}}
"""Third-party package: the layers that may import it."""

HEAVY = ("PyQt6", "torch", "matplotlib")

BLOCKED_IMPORT = """
import importlib, json, sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is out of bounds here")

BLOCKED, modules = json.loads(sys.argv[1])
sys.meta_path.insert(0, Wall())
for module in modules:
    importlib.import_module(module)
json.dump(sorted({name.partition(".")[0] for name in sys.modules}), sys.stdout)
"""


def modules_of(layer: str) -> list[str]:
    paths = sorted((ROOT / layer).rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names]


def imports_of(source: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that is imported, wherever the statement stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: import by full name, not relatively"
            assert node.module is not None
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def upward_within_pipeline(folder: str, source: str) -> Iterator[tuple[int, str]]:
    """Imports that a module of ``pipeline/folder`` must not have: of folders after its own, or of none."""
    reachable = PIPELINE[: PIPELINE.index(folder) + 1]
    for line, name in imports_of(source):
        package, _, rest = name.partition(".")
        if package == "pipeline" and rest.partition(".")[0] not in reachable:
            yield line, name


def forbidden(layer: str) -> set[str]:
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    foreign = {package for package, owners in OWNERS.items() if layer not in owners}
    return above | foreign | {"tests"}


def import_in_fresh_interpreter(modules: list[str], blocked: set[str]) -> set[str]:
    """Import the modules; returns the top-level packages that were loaded by then."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED_IMPORT, json.dumps([sorted(blocked), modules])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("layer", LAYERS)
def test_the_text_of_every_module_imports_downwards_only(layer: str) -> None:
    out_of_bounds = forbidden(layer)
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / layer).rglob("*.py"))
        for line, name in imports_of(path.read_text(encoding="utf-8"))
        if name.partition(".")[0] in out_of_bounds
    ]
    assert not found, "\n".join(found)


def test_the_check_of_the_text_sees_imports_inside_functions() -> None:
    text = "def f():\n    import zmq.green\n    from app.cli import main\n"
    assert list(imports_of(text)) == [(2, "zmq.green"), (3, "app.cli.main")]
    assert {"zmq", "app", "pipeline", "PyQt6"} <= forbidden("models")
    assert forbidden("app") == {"zmq", "torch", "tests"}


def test_every_module_of_the_pipeline_is_in_a_folder_that_has_its_place() -> None:
    paths = [path.relative_to(ROOT / "pipeline") for path in (ROOT / "pipeline").rglob("*.py")]
    assert {path.parts[0] for path in paths} == {*PIPELINE, "__init__.py"}


@pytest.mark.parametrize("folder", PIPELINE)
def test_the_folders_of_the_pipeline_import_downwards_only(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / "pipeline" / folder).rglob("*.py"))
        for line, name in upward_within_pipeline(folder, path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_the_check_of_the_folders_sees_what_goes_up() -> None:
    text = "from pipeline import session\nfrom pipeline.take.take import Take\nimport pipeline.remote.keys\n"
    assert list(upward_within_pipeline("take", text)) == [
        (1, "pipeline.session"),
        (3, "pipeline.remote.keys"),
    ]
    assert not list(upward_within_pipeline("session", text))


@pytest.mark.parametrize("layer", LAYERS)
def test_every_module_imports_with_the_layers_above_out_of_reach(layer: str) -> None:
    loaded = import_in_fresh_interpreter(modules_of(layer), forbidden(layer) - owned_below(layer))
    assert layer in loaded
    assert not loaded & set(LAYERS[LAYERS.index(layer) + 1 :])


def test_the_command_line_starts_without_windows_and_sockets() -> None:
    modules = [
        name for name in modules_of("app") if name.startswith(("app.cli", "app.commands", "app.doctor"))
    ]
    loaded = import_in_fresh_interpreter(modules, {"PyQt6", "zmq", "torch", "matplotlib", "pyarrow"})
    assert "app" in loaded


def test_help_needs_no_package_but_the_standard_library() -> None:
    loaded = import_in_fresh_interpreter(["app.cli.main"], set())
    assert not loaded & {"numpy", "cv2", "pydantic", "yaml", "rich", "models", "pipeline"}


@pytest.mark.parametrize(
    "module",
    [
        "pipeline.processes.grabber",
        "pipeline.drivers.simulated",
        "pipeline.drivers.video_file",
        "pipeline.drivers.image_folder",
        "pipeline.drivers.usb",
        "pipeline.drivers.rtsp",
    ],
)
def test_a_grabber_starts_light(module: str) -> None:
    loaded = import_in_fresh_interpreter([module], set())
    assert not loaded & set(HEAVY), f"{module} loads {loaded & set(HEAVY)}"


@pytest.mark.parametrize(
    "module", ["models.skeleton", "models.skeletons", "models.detections", "models.pose_frame"]
)
def test_central_types_need_numpy_only(module: str) -> None:
    loaded = import_in_fresh_interpreter([module], {"cv2", "scipy", "numba", "zmq", "PyQt6", "torch"})
    assert "numpy" in loaded or module == "models.skeletons"


@pytest.mark.parametrize("layer", LAYERS)
def test_package_files_stay_empty_of_heavy_imports(layer: str) -> None:
    packages = [".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / layer).rglob("__init__.py")]
    loaded = import_in_fresh_interpreter(packages, set())
    assert not loaded & {"cv2", "scipy", "numba", "torch", "PyQt6", "matplotlib", "pyarrow"}


def owned_below(layer: str) -> set[str]:
    """Packages that lower layers own: importing those layers may load them."""
    below = set(LAYERS[: LAYERS.index(layer)])
    return {package for package, owners in OWNERS.items() if owners & below}
