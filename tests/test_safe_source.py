"""What the program must not be able to do with what it is given: run it.

Read from the source, so that code that no test reaches counts, too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("app", "calibration", "configs", "models", "pipeline")

# File to what it may do, and why that is safe.
ALLOWED = {
    # Subclasses of Unpickler that build arrays and plain containers only: files of published experiments are
    # pickles. What they refuse has its own tests.
    "models/datasets/restricted_pickle.py": {"pickle"},
    "models/checkpoints/inert_pickle.py": {"pickle", "weights_only"},
    "models/datasets/pickled_arrays.py": {"pickle"},
    # The names of errors that torch raises.
    "models/checkpoints/reading.py": {"pickle"},
    "models/training/run_state.py": {"pickle"},
    # Writes the published layout; what reads it is the restricted reader.
    "models/datasets/results_file.py": {"pickle"},
    "models/datasets/human36m_labels.py": {"allow_pickle"},
    "models/datasets/human36m_preparation.py": {"allow_pickle"},
    # Bytes that its own child process made a moment ago and that never leave the program.
    "pipeline/calibrating/judgement.py": {"pickle"},
}

CALLS = {
    "eval": "code",
    "exec": "code",
    "compile": "code",
    "__import__": "code",
    "os.system": "shell",
    "os.popen": "shell",
    "subprocess.getoutput": "shell",
    "subprocess.getstatusoutput": "shell",
    "yaml.unsafe_load": "yaml",
    "yaml.full_load": "yaml",
    "yaml.load_all": "yaml",
    "yaml.Loader": "yaml",
    "yaml.UnsafeLoader": "yaml",
    "yaml.FullLoader": "yaml",
    "np.fromregex": "code",
    "torch.jit.load": "code",
}
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def findings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, what) of everything that runs, or builds objects from, what it is given."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import):
            yield from ((line, "pickle") for name in node.names if name.name.split(".")[0] in PICKLES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in PICKLES:
                yield line, "pickle"
            for name in node.names:
                if f"{node.module}.{name.name}" in CALLS:
                    yield line, CALLS[f"{node.module}.{name.name}"]
        elif isinstance(node, ast.Attribute | ast.Name):
            if (words := ast.unparse(node)) in CALLS and not _is_a_method(node):
                yield line, CALLS[words]
        elif isinstance(node, ast.Call):
            yield from ((line, what) for what in _call(node))


def _call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    for name, expected in (("shell", False), ("allow_pickle", False), ("weights_only", True)):
        if name in given and ast.unparse(given[name]) != str(expected):
            yield name
    if called == "torch.load" and "weights_only" not in given:
        yield "weights_only"
    if called == "yaml.load":
        loader = ast.unparse(given["Loader"]) if "Loader" in given else ""
        if loader not in {"yaml.SafeLoader", "yaml.CSafeLoader", "StrictLoader", "_Loader"}:
            yield "yaml"


def _is_a_method(node: ast.Attribute | ast.Name) -> bool:
    """``network.eval`` and ``dialog.exec`` are other things than the built-in functions of that name."""
    return isinstance(node, ast.Attribute) and ast.unparse(node) not in CALLS


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_that_is_read_can_run(folder):
    sources = sorted((REPOSITORY / folder).rglob("*.py"))
    assert sources
    found = []
    for path in sources:
        name = path.relative_to(REPOSITORY).as_posix()
        for line, what in findings(ast.parse(path.read_text(encoding="utf-8"))):
            if what not in ALLOWED.get(name, ()):
                found.append(f"{name}:{line} {what}")
    assert not found


def test_exceptions_are_still_needed():
    for name, allowed in ALLOWED.items():
        tree = ast.parse((REPOSITORY / name).read_text(encoding="utf-8"))
        assert {what for _, what in findings(tree)} == allowed, name


def test_loaders_of_ours_are_the_safe_one():
    import yaml

    from app.takes.take_entry import _Loader
    from configs.loading import StrictLoader

    for loader in (_Loader, StrictLoader):
        assert issubclass(loader, yaml.SafeLoader | yaml.CSafeLoader)
        assert not any("python" in str(tag) for tag in loader.yaml_constructors)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("eval(text)", "code"),
        ("exec(text)", "code"),
        ("run = eval", "code"),
        ("import pickle", "pickle"),
        ("from pickle import loads", "pickle"),
        ("os.system('ls')", "shell"),
        ("from os import system", "shell"),
        ("subprocess.run(words, shell=True)", "shell"),
        ("subprocess.run(words, shell=chosen)", "shell"),
        ("np.load(file, allow_pickle=True)", "allow_pickle"),
        ("torch.load(file)", "weights_only"),
        ("torch.load(file, weights_only=False)", "weights_only"),
        ("yaml.load(text, Loader=yaml.FullLoader)", "yaml"),
        ("yaml.load(text)", "yaml"),
        ("yaml.unsafe_load(text)", "yaml"),
    ],
)
def test_what_is_looked_for_is_found(source, what):
    assert what in {found for _, found in findings(ast.parse(source))}


def test_what_is_harmless_is_not():
    source = "network.eval(); dialog.exec(); yaml.safe_load(x); np.load(x, allow_pickle=False); re.compile(x)"
    assert not list(findings(ast.parse(source)))
