"""Small networks that come with the program: trained on its own simulated studio, in ``models/weights``.

They are files with a card, as imported ones are, and are opened by name in the same way. One that the user
imported under the same name goes before.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "weights"
SUFFIX = ".safetensors"


def shipped_names() -> list[str]:
    """Names of all of them, sorted."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def shipped_file(name: str) -> Path | None:
    """Path of the one called so, None where there is none."""
    path = FOLDER / f"{name}{SUFFIX}"
    return path if path.is_file() and name in shipped_names() else None
