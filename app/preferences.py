"""What the desktop remembers between starts."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final, Literal, Self

import yaml
from platformdirs import user_config_path, user_documents_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from configs.atomic_file import write_atomic
from configs.errors import PosestageError

log = logging.getLogger(__name__)

_MOST_RECENT: Final = 8


def default_file() -> Path:
    """Where preferences are kept for this user."""
    return user_config_path("posestage", appauthor=False) / "desktop.yaml"


class Preferences(BaseModel):
    """Read leniently: a damaged or newer file costs the preferences, never the start.

    Attributes:
        theme: Colours.
        space_view: How the 3D view is drawn.
        takes_folder: Where recordings go.
        rig_path: The rig that was open last.
        pipeline: From frames to poses; "auto": the best one that is ready.
        recent_rigs: Newest first.
        recent_folders: Of footage and takes, newest first.
        geometry: Of the window, as Qt gives it, base64.
        pages: What single pages remember, by page.
    """

    model_config = ConfigDict(validate_assignment=True, extra="ignore")

    theme: Literal["dark", "light", "system"] = "dark"
    space_view: Literal["auto", "open3d", "wireframe"] = "auto"
    takes_folder: Path = Field(default_factory=lambda: user_documents_path() / "Posestage" / "takes")
    rig_path: Path | None = None
    pipeline: str = "auto"
    recent_rigs: list[Path] = Field(default_factory=list)
    recent_folders: list[Path] = Field(default_factory=list)
    geometry: str = ""
    pages: dict[str, dict[str, Any]] = Field(default_factory=dict)
    _file: Path | None = None

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a file; defaults where there is none or what is in it cannot be used."""
        try:
            data = yaml.safe_load(file.read_text(encoding="utf-8"))
            preferences = cls.model_validate(data if isinstance(data, dict) else {})
        except FileNotFoundError:
            preferences = cls()
        except (OSError, UnicodeError, yaml.YAMLError, ValidationError) as error:
            log.warning("%s cannot be used, starting with defaults: %s", file, error)
            preferences = cls()
        preferences._file = file
        return preferences

    def save(self) -> None:
        """Write the file, whole or not at all; a full or read-only disk is logged, not fatal."""
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._file, yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False))
        except (OSError, PosestageError) as error:
            log.warning("preferences could not be saved: %s", error)

    def for_once(self) -> Self:
        """The same looks, for a window that opens nothing of last time and leaves nothing behind."""
        return type(self)(theme=self.theme, space_view=self.space_view)

    def remember_rig(self, path: Path) -> None:
        """Put a rig on top of the recent ones."""
        self.rig_path = path
        self.recent_rigs = _on_top(path, self.recent_rigs)
        self.save()

    def remember_folder(self, path: Path) -> None:
        """Put a folder on top of the recent ones."""
        self.recent_folders = _on_top(path, self.recent_folders)
        self.save()


def _on_top(path: Path, recent: list[Path]) -> list[Path]:
    return [path, *(other for other in recent if other != path)][:_MOST_RECENT]
