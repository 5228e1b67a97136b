"""From yaml to typed, frozen configuration, with errors that name file, key, value and the nearest name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from configs.errors import BadInputError, bad_input, did_you_mean


class Config(BaseModel):
    """Base of every configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


AnyConfig = TypeVar("AnyConfig", bound=Config)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a yaml file whose top level is a mapping.

    Raises:
        BadInputError: The file is missing, unreadable, not yaml, or not a mapping.
    """
    text = read_text(path)
    try:
        data = yaml.load(text, Loader=StrictLoader)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where is not None else ""
        raise bad_input(f"is not valid yaml{line}: {getattr(error, 'problem', error)}", file=path) from error
    except (ValueError, RecursionError) as error:  # the date 2024-13-45; a thousand brackets
        raise bad_input(f"is not valid yaml: {error}", file=path) from error
    if not isinstance(data, dict):
        raise bad_input("must be a yaml mapping of keys to values", file=path)
    return data


_MOST_VALUES = 1_000_000
"""Of a document with its references written out. A kilobyte of references to references can mean thousands of
millions of values, which nobody notices until something walks over them or prints them."""


def _check_written_out(root: yaml.Node) -> None:
    """Raise where a document holds too much, or itself, once every reference is followed."""
    sizes: dict[int, int] = {}
    path: set[int] = set()

    def size_of(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in path:
            raise yaml.MarkedYAMLError(
                problem="a reference to what it is part of", problem_mark=node.start_mark
            )
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            parts = node.value
        elif isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
        path.add(id(node))
        size = 1 + sum(size_of(part) for part in parts)
        path.discard(id(node))
        if size > _MOST_VALUES:
            raise yaml.MarkedYAMLError(problem="too many values", problem_mark=node.start_mark)
        sizes[id(node)] = size
        return size

    size_of(root)


class StrictLoader(yaml.SafeLoader):
    """The safe loader with bounds and without silence.

    A key that is there twice is an error: yaml would keep the last one. So is a document that grows out of
    all proportion when its references are written out.
    """

    def get_single_node(self) -> yaml.Node | None:
        """The whole document, unless it holds too much or itself."""
        node = super().get_single_node()
        if node is not None:
            _check_written_out(node)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping, unless a key is there twice."""
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            mark = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if mark in seen:
                raise yaml.MarkedYAMLError(
                    problem=f'the key "{key.value}" is there twice', problem_mark=key.start_mark
                )
            if mark is not None and key.tag != "tag:yaml.org,2002:merge":
                seen.add(mark)
        return super().construct_mapping(node, deep)


def read_text(path: Path) -> str:
    """Read a text file, with every way that can fail turned into one sentence."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise bad_input("no such file", file=path, hint=_similar_file(path)) from error
    except IsADirectoryError as error:
        raise bad_input("is a folder, expected a file", file=path) from error
    except PermissionError as error:
        raise bad_input("cannot be read: permission denied", file=path) from error
    except UnicodeDecodeError as error:
        raise bad_input("is not a text file (utf-8)", file=path) from error


def parse_config(
    kind: type[AnyConfig], data: Mapping[str, Any], *, source: Path | str = "configuration"
) -> AnyConfig:
    """Turn plain data into ``kind``.

    Raises:
        BadInputError: Says which key of ``source`` is wrong, its value, and what is allowed.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise _explain(error, kind, source) from error


def load_config(kind: type[AnyConfig], path: Path, overrides: Iterable[str] = ()) -> AnyConfig:
    """Read ``path``, apply ``--set key=value`` overrides, and validate into ``kind``."""
    return parse_config(kind, apply_overrides(read_yaml(path), overrides), source=path)


def apply_overrides(data: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Return ``data`` with each ``path.to.key=value`` applied; values are read as yaml.

    A path item that is a number indexes a list; one that is the ``name`` of a list item picks that item.
    """
    result: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(data)))
    for override in overrides:
        path, equals, text = override.partition("=")
        if not equals or not path:
            raise bad_input(f'--set "{override}" must look like path.to.key=value')
        try:
            value = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            reason = getattr(error, "problem", error)
            raise bad_input(
                f"the value is not valid yaml: {reason}", key=f"--set {path}", value=text
            ) from error
        _assign(result, path.split("."), value, override)
    return result


def _assign(node: Any, keys: list[str], value: Any, override: str) -> None:
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(node, list):
            index = _list_index(node, key)
            if index is None:
                raise bad_input(f'--set "{override}": no item "{key}" in that list')
            if last:
                node[index] = value
            else:
                node = node[index]
        elif isinstance(node, dict):
            if last:
                node[key] = value
            else:
                node = node.setdefault(key, {})
        else:
            raise bad_input(f'--set "{override}": "{".".join(keys[:depth])}" is a value, not a group of keys')


def _list_index(items: list[Any], key: str) -> int | None:
    if key.isdecimal() and int(key) < len(items):
        return int(key)
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    return names.index(key) if key in names else None


def _explain(error: ValidationError, kind: type[Config], source: Path | str) -> BadInputError:
    errors = error.errors(include_url=False)
    # A misspelt key is also a missing one; the unknown key tells what happened.
    first = next((item for item in errors if item["type"] == "extra_forbidden"), errors[0])
    location = [part for part in first["loc"] if not str(part).startswith("function-")]
    key = ".".join(str(part) for part in location)
    more = error.error_count() - 1
    suffix = f" ({more} more {'problem' if more == 1 else 'problems'} in this file)" if more else ""
    if first["type"] == "extra_forbidden":
        known = _fields_at(kind, list(location[:-1]))
        hint = did_you_mean(str(location[-1]), known)
        return bad_input(
            "unknown key" + suffix, file=source, key=key, allowed=", ".join(known) or None, hint=hint
        )
    if first["type"] == "missing":
        return bad_input("this key is required but missing" + suffix, file=source, key=key)
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return bad_input(message + suffix, file=source, key=key or None, value=first["input"])


def _fields_at(kind: type[BaseModel], location: list[int | str]) -> list[str]:
    """Field names of the model that ``location`` leads to, as far as annotations tell."""
    model: Any = kind
    inside_mapping = False
    for part in location:
        if isinstance(part, int):
            continue
        if inside_mapping:  # this part is one of the mapping's own keys, not a field
            inside_mapping = False
            continue
        field = (
            model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        )
        if field is None:
            return []
        model = _inner_model(field.annotation)
        inside_mapping = get_origin(field.annotation) is dict
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None


def _similar_file(path: Path) -> str | None:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    return did_you_mean(path.name, [item.name for item in path.parent.iterdir()])
