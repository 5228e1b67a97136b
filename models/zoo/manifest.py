"""What ``manifest.yaml`` may say: models, their files, licences and sources."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from configs.errors import bad_input, did_you_mean
from configs.loading import Config, load_config

MANIFEST = Path(__file__).with_name("manifest.yaml")


MOST_BYTES: Final = 1 << 30
"""What a file of unknown size may grow to; the largest model known is a fifth of it."""


class FileEntry(Config):
    """One file of a model and how to recognise it.

    Nobody publishes everything: what is left out here is not known, and nothing is invented for it.

    Attributes:
        size: Bytes.
        sha256: 64 lower-case hexadecimal digits. Without it only an archive whose own SHA-256 is known can
            vouch for the file.
    """

    size: int | None = Field(default=None, gt=0)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")

    @property
    def at_most(self) -> int:
        """Bytes that are read before something must be wrong."""
        return self.size or MOST_BYTES


class Licence(Config):
    """Under which terms the files may be used.

    Attributes:
        name: SPDX identifier where there is one.
        url: The full text.
        holder: Who grants it.
        must_accept: Whether the user must agree before the files are fetched. False for permissive
            licences, which are only shown.
        terms: What else binds: weights may be free while the pictures they learnt from are not.
    """

    name: str
    url: str
    holder: str
    must_accept: bool
    terms: str = ""


class UrlSource(Config):
    """Plain downloads, one address per file."""

    type: Literal["url"]
    name: str
    urls: dict[str, str]

    @field_validator("urls")
    @classmethod
    def _web_addresses(cls, urls: dict[str, str]) -> dict[str, str]:
        for file, url in urls.items():
            _check_address(f"the address of {file}", url)
        return urls

    @property
    def provides(self) -> set[str]:
        """Names of the files this source has."""
        return set(self.urls)


class WheelSource(Config):
    """Members of a pinned Python wheel that pip finds through whatever index the user has configured.

    Attributes:
        requirement: ``package==version``.
        python_version: Wheel tags, stated so that the running interpreter does not matter.
        implementation: See ``python_version``.
        abi: See ``python_version``.
        platform: See ``python_version``.
        members: File name to path inside the wheel.
    """

    type: Literal["wheel"]
    name: str
    requirement: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+$")
    python_version: str
    implementation: str
    abi: str
    platform: str
    members: dict[str, str]

    @property
    def provides(self) -> set[str]:
        """Names of the files this source has."""
        return set(self.members)


class ArchiveSource(Config):
    """Files packed into one zip archive.

    Attributes:
        url: Where it is.
        archive: Its size and SHA-256 as far as they are known. The digits in such a name are often those of
            something that was inside at another time, so nothing is read from the name.
        members: File name to the last part of its path inside; folders inside are not looked at.
    """

    type: Literal["archive"]
    name: str
    url: str
    archive: FileEntry = FileEntry()
    members: dict[str, str]

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        _check_address("url", url)
        return url

    @property
    def provides(self) -> set[str]:
        """Names of the files this source has."""
        return set(self.members)


def _check_address(what: str, url: str) -> None:
    if not re.match(r"https?://", url):
        raise ValueError(f"{what} must start with https:// (or http://), got {url}")


Source = Annotated[UrlSource | WheelSource | ArchiveSource, Field(discriminator="type")]


class Network(Config):
    """What the file itself does not say about a network.

    Attributes:
        family: Which pre- and post-processing it needs.
        input: Width and height of its pictures, px.
    """

    family: Literal["rtmdet", "yolox", "simcc"]
    input: tuple[int, int]


class ModelEntry(Config):
    """One model that can be fetched.

    Attributes:
        title: One line for people.
        licence: Terms of the files.
        skeleton: Name of the skeleton its keypoints follow; none for a detector.
        network: How to use it, for networks in ONNX files.
        files: File name to what is known about it.
        sources: Where the files come from, tried in this order.
    """

    title: str
    licence: Licence
    skeleton: str | None = None
    network: Network | None = None
    files: dict[str, FileEntry] = Field(min_length=1)
    sources: tuple[Source, ...] = Field(min_length=1)

    @field_validator("files")
    @classmethod
    def _plain_names(cls, files: dict[str, FileEntry]) -> dict[str, FileEntry]:
        for name in files:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
                raise ValueError(f"{name!r} is not a plain file name")
        return files

    @model_validator(mode="after")
    def _sources_are_complete(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError(f"two sources share a name: {', '.join(names)}")
        for source in self.sources:
            if source.provides != set(self.files):
                raise ValueError(
                    f'source "{source.name}" must list exactly the files {", ".join(self.files)}'
                )
            for file, expected in self.files.items():
                if expected.sha256 is None and not (source.type == "archive" and source.archive.sha256):
                    raise ValueError(
                        f'nothing proves that {file} of source "{source.name}" is the right one: give its '
                        "SHA-256 or that of its archive"
                    )
        return self

    @property
    def size(self) -> int | None:
        """Bytes of all files together; None where one is not known."""
        sizes = [file.size for file in self.files.values()]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def size_words(self) -> str:
        """Such as ``9.4 MB``."""
        return f"{self.size / 1e6:.1f} MB" if self.size else "of a size that nobody published"


class Manifest(Config):
    """All models that can be fetched, by name."""

    version: Literal[1]
    models: dict[str, ModelEntry]

    @field_validator("models")
    @classmethod
    def _plain_names(cls, models: dict[str, ModelEntry]) -> dict[str, ModelEntry]:
        for name in models:
            if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
                raise ValueError(f"{name!r} is not a plain lower-case name")
        return models

    def model(self, name: str) -> ModelEntry:
        """The entry called ``name``.

        Raises:
            BadInputError: There is none.
        """
        entry = self.models.get(name)
        if entry is None:
            raise bad_input(
                "unknown model",
                value=name,
                allowed=", ".join(self.models),
                hint=did_you_mean(name, self.models),
            )
        return entry


@cache
def read_manifest() -> Manifest:
    """The manifest that is part of this package."""
    return load_config(Manifest, MANIFEST)
