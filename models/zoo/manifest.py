"""What ``manifest.yaml`` may say: models, their files, licences and sources."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from configs.errors import bad_input, did_you_mean
from configs.loading import Config, load_config

MANIFEST = Path(__file__).with_name("manifest.yaml")


class FileEntry(Config):
    """One file of a model and how to recognise it.

    Attributes:
        size: Bytes.
        sha256: 64 lower-case hexadecimal digits.
    """

    size: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Licence(Config):
    """Under which terms the files may be used.

    Attributes:
        name: SPDX identifier where there is one.
        url: The full text.
        holder: Who grants it.
        must_accept: Whether the user must agree before the files are fetched. False for permissive
            licences, which are only shown.
    """

    name: str
    url: str
    holder: str
    must_accept: bool


class UrlSource(Config):
    """Plain downloads, one address per file."""

    type: Literal["url"]
    name: str
    urls: dict[str, str]

    @field_validator("urls")
    @classmethod
    def _web_addresses(cls, urls: dict[str, str]) -> dict[str, str]:
        for file, url in urls.items():
            if not re.match(r"https?://", url):
                raise ValueError(f"the address of {file} must start with https:// (or http://), got {url}")
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


Source = Annotated[UrlSource | WheelSource, Field(discriminator="type")]


class ModelEntry(Config):
    """One model that can be fetched.

    Attributes:
        title: One line for people.
        licence: Terms of the files.
        skeleton: Name of the skeleton its keypoints follow.
        files: File name to what is known about it.
        sources: Where the files come from, tried in this order.
    """

    title: str
    licence: Licence
    skeleton: str
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
        return self

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files.values())


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
