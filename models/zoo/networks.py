"""Networks in ONNX files, by the name of a model of the zoo or by the path of a file of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.errors import bad_input, did_you_mean
from models.zoo.checksum import sha256_of
from models.zoo.manifest import ModelEntry
from models.zoo.store import ModelStore

SUFFIX = ".onnx"


@dataclass(frozen=True)
class NetworkFile:
    """A network that is here, and what is known about it.

    Attributes:
        name: Of the model, or of the file.
        path: Where it is.
        sha256: Of the file.
        family: Which pre- and post-processing it needs; "" where nobody said.
        input: Width and height of its pictures; None where nobody said.
        skeleton: Name of its keypoints' skeleton; "" where nobody said or it has none.
    """

    name: str
    path: Path
    sha256: str
    family: str = ""
    input: tuple[int, int] | None = None
    skeleton: str = ""


def network_file(name: str, families: Sequence[str], key: str, store: ModelStore) -> NetworkFile:
    """A network of one of some families.

    Args:
        name: A model of the zoo, or the path of an ``.onnx`` file.
        families: What the caller can use.
        key: Where ``name`` was written, for messages.
        store: Fetched models.

    Raises:
        BadInputError: No such model or file, another kind of model, not fetched yet, or wrong bytes.
    """
    if name.endswith(SUFFIX):
        path = Path(name).expanduser()
        if not path.is_file():
            raise bad_input("no such file", key=key, value=name)
        return NetworkFile(path.stem, path, sha256_of(path))
    usable = {
        model: entry
        for model, entry in store.manifest.models.items()
        if entry.network is not None and entry.network.family in families
    }
    entry = usable.get(name)
    if entry is None or entry.network is None:
        raise bad_input(
            "unknown model" if name not in store.manifest.models else "another kind of model",
            key=key,
            value=name,
            allowed=", ".join([*usable, f"a file ending in {SUFFIX}"]),
            hint=did_you_mean(name, usable),
        )
    (member,) = entry.files
    path = store.model_file(name, member)
    network = entry.network
    return NetworkFile(
        name, path, store.sha256(name, member), network.family, network.input, entry.skeleton or ""
    )


def check_fetched(names: Sequence[str], store: ModelStore) -> None:
    """Raise one BadInputError that names every model of the zoo among ``names`` that is not here at all."""
    known: dict[str, ModelEntry] = store.manifest.models
    missing = [
        name
        for name in dict.fromkeys(names)
        if name in known and not any((store.folder / name / file).is_file() for file in known[name].files)
    ]
    if missing:
        commands = " && ".join(f"python launch.py models fetch {name}" for name in missing)
        verb = "is" if len(missing) == 1 else "are"
        raise bad_input(f"{' and '.join(missing)} {verb} not on this machine yet", hint=f"run: {commands}")
