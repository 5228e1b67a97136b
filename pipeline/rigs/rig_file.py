"""Rig files out: atomic, with paths and secrets as they were given.

Reading is ``pipeline.rigs.rig_config.load_rig``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from configs.atomic_file import write_atomic
from configs.errors import PosestageError
from configs.loading import parse_config, read_text, read_yaml
from pipeline.rigs.rig_config import RigConfig

_PUBLIC: Final = 0o644
_PRIVATE: Final = 0o600
"""Nobody else may read a new file with a password in it."""


def write_rig(path: Path, rig: RigConfig, *, origin: Path | None = None) -> None:
    """Write a rig so that ``load_rig(path)`` gives the same rig again.

    Paths of footage and calibration are written as the ``origin`` had them: an absolute one stays absolute, a
    relative one is relative to the new file's folder. Paths that were not in it are relative when they lie in
    the new file's folder or below, else absolute. Addresses keep their passwords; a new file that holds one
    can be read by its owner only, an existing file keeps its permissions.

    Where nothing but the calibration differs from the file that is replaced, only that line of it changes.
    Otherwise comments above the first line of the origin are kept and all others are lost:
    ``comments_lost`` counts them beforehand.

    Args:
        path: The file; its folder exists.
        rig: With absolute paths, as ``load_rig`` gives it.
        origin: The file that the rig came from; by default the one that is replaced, if any.

    Raises:
        BadInputError: The folder does not exist or cannot be written.
    """
    folder = path.absolute().parent
    given = _Given.of(origin if origin is not None else path)
    text = _with_other_calibration(path, rig, given)
    if text is not None:
        write_atomic(path, text, mode=path.stat().st_mode & 0o777)
        return
    cameras: list[dict[str, Any]] = []
    for camera in rig.cameras:
        data = camera.model_dump(mode="json", exclude_none=True)
        data["driver"] = driver = dict(camera.driver)
        if isinstance(driver.get("path"), str):
            driver["path"] = given.path(driver["path"], folder)
        cameras.append(data)
    data = {"version": rig.version, "name": rig.name, "cameras": cameras}
    if rig.calibration is not None:
        data["calibration"] = given.path(rig.calibration, folder)
    text = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )
    if yaml.safe_load(text) != data:  # line ends that only Unicode knows are folded when they are written out
        text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=110, default_flow_style=None)
    mode = _PRIVATE if any(_has_password(camera.driver) for camera in rig.cameras) else _PUBLIC
    if path.exists():
        mode = path.stat().st_mode & 0o777
    write_atomic(path, given.heading + text, mode=mode)


def _with_other_calibration(path: Path, rig: RigConfig, given: _Given) -> str | None:
    """The text of the file with another calibration in it; None where more than that would have to change."""
    try:
        text = read_text(path)
        before = _as_written(path)
    except PosestageError:
        return None
    if before != rig.model_copy(update={"calibration": None}):
        return None
    line = ""
    if rig.calibration is not None:
        written = given.path(rig.calibration, path.absolute().parent)
        line = yaml.safe_dump({"calibration": written}, allow_unicode=True, width=10_000)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    if node.flow_style:
        return None
    for key, value in node.value:
        if key.value == "calibration":
            end = value.end_mark.index
            rest = text[end:]
            if not line:  # with its line, unless a comment stands behind it
                rest = rest.removeprefix("\n")
            return text[: key.start_mark.index] + line.removesuffix("\n") + rest
    return text + ("" if text.endswith("\n") else "\n") + line


def _as_written(path: Path) -> RigConfig:
    """The rig of a file without its calibration; like ``load_rig``, but asks no driver, which takes long."""
    rig = parse_config(RigConfig, {**read_yaml(path), "calibration": None}, source=path)
    folder = path.absolute().parent
    cameras = []
    for camera in rig.cameras:
        driver = dict(camera.driver)
        if isinstance(driver.get("path"), str):
            driver["path"] = _resolved(driver["path"], folder)
        cameras.append(camera.model_copy(update={"driver": driver}))
    return rig.model_copy(update={"cameras": tuple(cameras)})


def comments_lost(path: Path) -> int:
    """How many comments of a file written by hand ``write_rig`` would not keep."""
    try:
        text = read_text(path)
    except PosestageError:
        return 0
    return len(_comments(text)) - len(_comments(_heading(text)))


class _Given:
    """How the file before wrote its paths and its heading."""

    def __init__(self, folder: Path, paths: dict[str, str], heading: str) -> None:
        self._folder = folder
        self._paths = paths
        self.heading = heading

    @classmethod
    def of(cls, file: Path) -> _Given:
        """Look into a file; one that cannot be read says nothing."""
        folder = file.absolute().parent
        try:
            text, data = read_text(file), read_yaml(file)
        except PosestageError:
            return cls(folder, {}, "")
        cameras = data.get("cameras")
        found = [data.get("calibration")]
        for camera in cameras if isinstance(cameras, list) else []:
            driver = camera.get("driver") if isinstance(camera, dict) else None
            found.append(driver.get("path") if isinstance(driver, dict) else None)
        paths = {_resolved(one, folder): one for one in found if isinstance(one, str)}
        return cls(folder, paths, _heading(text))

    def path(self, target: str, folder: Path) -> str:
        """How to write ``target`` into a file in ``folder``."""
        resolved = _resolved(target, folder)
        written = self._paths.get(resolved)
        if written is not None:
            as_given = Path(written).expanduser()
            if as_given.is_absolute() or folder.resolve() == self._folder.resolve():
                return written
            return _relative(resolved, folder) or resolved
        if Path(resolved).is_relative_to(folder.resolve()):
            return _relative(resolved, folder) or resolved
        return resolved


def _resolved(text: str, folder: Path) -> str:
    return str((folder / Path(text).expanduser()).resolve())


def _relative(target: str, folder: Path) -> str | None:
    """With forward slashes, so that the file serves every system; None from one drive to another."""
    try:
        return Path(os.path.relpath(target, folder.resolve())).as_posix()
    except ValueError:
        return None


def _has_password(driver: dict[str, Any]) -> bool:
    for value in driver.values():
        if isinstance(value, str) and "://" in value:
            try:
                parts = urlsplit(value)
            except ValueError:
                return True
            if parts.password or parts.username or parts.query:
                return True
    return False


def _heading(text: str) -> str:
    """Comment lines and empty ones before anything else."""
    kept = []
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        kept.append(line if line.endswith("\n") else line + "\n")
    return "".join(kept) if any(line.strip() for line in kept) else ""


def _comments(text: str) -> list[str]:
    """Everything after a ``#`` that stands between two words of yaml."""
    try:
        tokens = list(yaml.scan(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        return []
    found = []
    end = 0
    for token in tokens:
        gap = text[end : token.start_mark.index]
        found += [line for line in gap.splitlines() if line.lstrip().startswith("#")]
        end = max(end, token.end_mark.index)
    return found


class _Dumper(yaml.SafeDumper):
    """Without anchors for what is equal by chance, and with tuples as lists."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(tuple, lambda dumper, data: dumper.represent_list(list(data)))
