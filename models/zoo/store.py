"""The folder of fetched models: what is in it, how files get in, and proof that they are the right ones."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from configs.errors import PosestageError, bad_input, did_you_mean
from models.zoo.archive import ArchiveError, unpack_verified
from models.zoo.checksum import difference
from models.zoo.download import Progress, SourceError, download
from models.zoo.local_files import collect
from models.zoo.manifest import (
    ArchiveSource,
    FileEntry,
    Manifest,
    ModelEntry,
    Source,
    UrlSource,
    read_manifest,
)
from models.zoo.receipt import known, note
from models.zoo.sentences import all_failed, offline_words, require_licence
from models.zoo.wheel import fetch_from_wheel

logger = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 1200.0
"""How long one fetch waits for another of the same model; longer than any sane download of ten megabytes."""


class FetchError(PosestageError):
    """No source could deliver; the message has every source's reason and the way without a network."""


@dataclass(frozen=True)
class ModelStatus:
    """A model of the manifest and whether it is here.

    Attributes:
        name: Its name.
        entry: What the manifest says.
        folder: Where its files are or would be.
        problems: File name to what is wrong with it ("is not here", "has SHA-256 …"); empty when usable.
    """

    name: str
    entry: ModelEntry
    folder: Path
    problems: dict[str, str]

    @property
    def ready(self) -> bool:
        """Whether every file is here and is the right one."""
        return not self.problems


class ModelStore:
    """Models under one folder, one private folder per model.

    Files only get in verified and by an atomic rename, so whoever reads sees a right file or none. One fetch
    per model runs at a time, across processes.

    Args:
        folder: Need not exist yet.
        manifest: What can be fetched; the package's own by default.
    """

    def __init__(self, folder: Path, manifest: Manifest | None = None) -> None:
        self.folder = folder
        self.manifest = manifest or read_manifest()

    def list_models(self) -> list[ModelStatus]:
        """Every model of the manifest."""
        return [self.info(name) for name in self.manifest.models]

    def info(self, name: str) -> ModelStatus:
        """Title, licence, files and sources of a model, and whether it is here.

        Raises:
            BadInputError: No such model.
        """
        entry = self.manifest.model(name)
        folder = self.folder / name
        problems = {file: _problem(folder / file, known(entry, folder, file)) for file in entry.files}
        return ModelStatus(name, entry, folder, {file: text for file, text in problems.items() if text})

    def model_file(self, name: str, member: str) -> Path:
        """Path of one file, verified now.

        Raises:
            BadInputError: No such model or file, it is not here, or it holds other bytes than it should.
        """
        entry = self.manifest.model(name)
        if member not in entry.files:
            raise bad_input(
                f"model {name} has no such file",
                value=member,
                allowed=", ".join(entry.files),
                hint=did_you_mean(member, entry.files),
            )
        path = self.folder / name / member
        problem = _problem(path, known(entry, path.parent, member))
        if problem:
            raise bad_input(problem, file=path, hint=f"run: python launch.py models fetch {name}")
        return path

    def sha256(self, name: str, member: str) -> str:
        """SHA-256 that ``model_file`` verified a file against; call that first."""
        found = known(self.manifest.model(name), self.folder / name, member).sha256
        assert found is not None
        return found

    def fetch(
        self,
        name: str,
        *,
        accept_licence: bool = False,
        source: str | None = None,
        from_file: Path | Sequence[Path] | None = None,
        progress: Progress | None = None,
    ) -> ModelStatus:
        """Make a model complete, asking its sources in turn; does nothing when it is.

        Args:
            name: Model of the manifest.
            accept_licence: The user agreed to the licence; needed only where it demands agreement.
            source: Ask only the source of this name.
            from_file: Take the files from here instead, see ``import_files``.
            progress: Called with file name, bytes so far and bytes in all.

        Raises:
            BadInputError: Unknown model or source, licence not accepted, wrong local files.
            FetchError: No source delivered.
        """
        entry = self.manifest.model(name)
        sources = _choose(name, entry, source)
        require_licence(name, entry, accept_licence)
        if from_file is not None:
            return self.import_files(name, [from_file] if isinstance(from_file, Path) else from_file)
        with self._locked(name) as folder:
            _discard_wrong_files(self.info(name))
            reasons = []
            for candidate in sources:
                if self.info(name).ready:
                    break
                try:
                    self._fetch_from(candidate, name, folder, progress)
                except SourceError as error:
                    logger.warning("source %s of model %s failed: %s", candidate.name, name, error)
                    reasons.append(f"{candidate.name}: {error}")
            status = self.info(name)
            if not status.ready:
                raise FetchError(all_failed(name, entry, reasons))
        logger.info("model %s (%s) is in %s", name, entry.licence.name, folder)
        return status

    def import_files(self, name: str, paths: Iterable[Path]) -> ModelStatus:
        """Take a model's files from this machine.

        Args:
            name: Model of the manifest.
            paths: The files themselves (under any name), a wheel that holds them, or folders with either.

        Raises:
            BadInputError: A path does not exist or holds something else, or files are still missing.
        """
        entry = self.manifest.model(name)
        with self._locked(name) as folder, _staging(folder) as staging:
            vouchers = [collect(entry, path, staging) for path in paths]
            missing = [file for file in self.info(name).problems if not (staging / file).exists()]
            if missing:
                raise bad_input(
                    f"model {name} still lacks {' and '.join(missing)}; nothing was imported",
                    hint="give all its files, a folder with them, or " + offline_words(entry),
                )
            for file in entry.files:
                if (staging / file).exists():
                    voucher = next((digest for digest in vouchers if digest), None)
                    _note(folder, file, entry.files[file], staging / file, voucher)
                    _install(staging / file, folder / file)
        return self.info(name)

    def _fetch_from(self, source: Source, name: str, folder: Path, progress: Progress | None) -> None:
        status = self.info(name)
        wanted = {file: status.entry.files[file] for file in status.problems}
        if isinstance(source, UrlSource):
            for file, expected in wanted.items():
                part = folder / f".{file}.{_mark(expected, source.urls[file])}.part"
                download(source.urls[file], part, expected, name=file, progress=progress)
                _install(part, folder / file)
            return
        if isinstance(source, ArchiveSource):
            self._fetch_archive(source, name, folder, progress)
            return
        with _staging(folder) as staging:
            fetch_from_wheel(source, wanted, staging)
            for file, expected in wanted.items():
                wrong = difference(staging / file, expected)
                if wrong:
                    raise SourceError(f"{source.requirement}: {file} {wrong}")
                _install(staging / file, folder / file)
                if progress and expected.size:
                    progress(file, expected.size, expected.size)

    def _fetch_archive(
        self, source: ArchiveSource, name: str, folder: Path, progress: Progress | None
    ) -> None:
        status = self.info(name)
        title = source.url.rsplit("/", 1)[-1]
        part = folder / f".archive.{_mark(source.archive, source.url)}.part"
        download(source.url, part, source.archive, name=title, progress=progress)
        with _staging(folder) as staging:
            try:
                for file in status.problems:
                    unpack_verified(part, source.members[file], status.entry.files[file], staging / file)
            except ArchiveError as error:
                part.unlink()
                raise SourceError(f"{title}: {error}; it was deleted") from error
            for file in status.problems:
                _note(folder, file, status.entry.files[file], staging / file, source.archive.sha256)
                _install(staging / file, folder / file)
        part.unlink()

    @contextmanager
    def _locked(self, name: str) -> Iterator[Path]:
        folder = self.folder / name
        lock = FileLock(folder / ".lock", timeout=LOCK_TIMEOUT_S)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise PosestageError(f"{folder}: another fetch of this model is still running") from error
        except OSError as error:
            raise bad_input(
                f"models cannot be stored here: {error.strerror or error}",
                file=folder,
                hint="set POSESTAGE_MODELS to a folder that you can write to",
            ) from error
        try:
            yield folder
        finally:
            lock.release()


def default_store() -> ModelStore:
    """The user's store: the folder in the environment variable POSESTAGE_MODELS, or the user data folder.

    This is the only place that looks at the variable.
    """
    chosen = os.environ.get("POSESTAGE_MODELS")
    return ModelStore(Path(chosen).expanduser() if chosen else user_data_path("posestage") / "models")


def _problem(path: Path, expected: FileEntry) -> str | None:
    if not path.is_file():
        return "is not here"
    if expected.sha256 is None:
        return "did not come from its archive, the only proof of what it is"
    return difference(path, expected)


def _mark(expected: FileEntry, url: str) -> str:
    """Tells what an unfinished download is meant to become, or at least where it came from."""
    return (expected.sha256 or hashlib.sha256(url.encode()).hexdigest())[:12]


def _note(folder: Path, file: str, expected: FileEntry, proven: Path, archive: str | None) -> None:
    """Write a receipt where the manifest itself does not know the file."""
    if expected.sha256 is None and archive is not None:
        note(folder, file, proven, archive)


def _choose(name: str, entry: ModelEntry, source: str | None) -> list[Source]:
    if source is None:
        return list(entry.sources)
    names = [candidate.name for candidate in entry.sources]
    if source not in names:
        raise bad_input(
            f"model {name} has no such source",
            value=source,
            allowed=", ".join(names),
            hint=did_you_mean(source, names),
        )
    return [candidate for candidate in entry.sources if candidate.name == source]


def _discard_wrong_files(status: ModelStatus) -> None:
    for file, problem in status.problems.items():
        path = status.folder / file
        if path.is_file():
            logger.warning("%s %s; deleted", path, problem)
            path.unlink()


def _install(source: Path, target: Path) -> None:
    with source.open("rb+") as stream:
        os.fsync(stream.fileno())
    source.replace(target)


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=folder) as temporary:
        yield Path(temporary)
