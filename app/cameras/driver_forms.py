"""What a driver's settings look like as a form, read from its ``Config``: new drivers need no window code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from configs.errors import PosestageError

Kind = Literal[
    "text",
    "secret",
    "path",
    "number",
    "integer",
    "switch",
    "choice",
    "number_or_word",
    "list",
    "group",
    "yaml",
]

UNITS: Final = {
    "us": "µs",
    "ms": "ms",
    "s": "s",
    "px": "px",
    "mm": "mm",
    "m": "m",
    "deg": "°",
    "hz": "Hz",
    "db": "dB",
    "percent": "%",
}
"""By the end of a field's name."""

_NAMES_OF_PATHS: Final = ("path", "file", "folder")
_SHORT_FORMS: Final = {"url": "Address", "fps": "Frames per second"}


@dataclass(frozen=True)
class FormField:
    """One setting.

    Attributes:
        key: Its name in the driver's config.
        label: For people.
        unit: Such as ``ms``; may be empty.
        help: One or two sentences of the driver's author; may be empty.
        kind: How it is asked for.
        required: Whether there is no default.
        optional: Whether it may be left open (None), which then means "as the device has it".
        default: Plain data.
        words: What may be chosen.
        fields: Of a group.
        same_in_rig: Whether all cameras of a rig with this driver share it.
    """

    key: str
    label: str
    unit: str
    help: str
    kind: Kind
    required: bool = False
    optional: bool = False
    default: Any = None
    words: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = ()
    same_in_rig: bool = False


@dataclass(frozen=True)
class DriverForm:
    """A driver for people.

    Attributes:
        driver: Name in the registry.
        fields: Its settings.
        problem: Why it cannot be used on this machine, with the next step; empty: it can.
    """

    driver: str
    fields: tuple[FormField, ...] = ()
    problem: str = ""

    def field(self, path: tuple[str, ...]) -> FormField | None:
        """The field at the end of a path of keys."""
        fields, found = self.fields, None
        for key in path:
            found = next((one for one in fields if one.key == key), None)
            if found is None:
                return None
            fields = found.fields
        return found


def describe_drivers() -> dict[str, DriverForm]:
    """Every driver of the registry; imports them all, so this runs in a process of its own."""
    from pipeline.drivers.registry import DRIVERS

    forms = {}
    for name in DRIVERS:
        try:
            forms[name] = describe(name, DRIVERS.load(name).Config)
        except (PosestageError, ImportError) as error:
            forms[name] = DriverForm(name, problem=str(error))
    return forms


def describe(driver: str, config: type[BaseModel]) -> DriverForm:
    """The form of one driver."""
    return DriverForm(driver, _fields(config))


def check_settings(driver: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a driver's settings: dotted key to a sentence, "" for the whole; empty: nothing."""
    from pipeline.drivers.registry import DRIVERS

    try:
        config = DRIVERS.load(driver).Config
    except PosestageError as error:
        return {"": str(error)}
    return problems_of(config, settings)


def problems_of(config: type[BaseModel], settings: Mapping[str, Any]) -> dict[str, str]:
    """The same for a config class."""
    try:
        config.model_validate(dict(settings))
    except ValidationError as error:
        form = describe("", config)
        found: dict[str, list[Any]] = {}
        for item in error.errors(include_url=False):
            path: tuple[str, ...] = ()
            for part in item["loc"]:
                # Union members add parts of their own behind the key, such as "int".
                if form.field((*path, str(part))) is None and not (
                    item["type"] == "extra_forbidden" and not path
                ):
                    break
                path = (*path, str(part))
            found.setdefault(".".join(path), []).append(item)
        return {key: _sentence(items, form.field(tuple(key.split(".")))) for key, items in found.items()}
    return {}


def _sentence(items: list[Any], field: FormField | None) -> str:
    first = items[0]
    context = first.get("ctx", {})
    unit = f" {field.unit}" if field is not None and field.unit else ""
    kind = first["type"]
    if field is not None and field.kind == "number_or_word" and len(items) > 1:
        numbers = [item for item in items if item["type"] not in {"literal_error"}]
        if isinstance(first["input"], str):
            return f"Must be a number{f' of{unit}' if unit else ''} or {_either(field.words)}."
        first, context, kind = numbers[0], numbers[0].get("ctx", {}), numbers[0]["type"]
    sentences = {
        "missing": "Needed.",
        "extra_forbidden": "This driver has no such setting.",
        "int_parsing": "Must be a whole number.",
        "int_type": "Must be a whole number.",
        "int_from_float": "Must be a whole number.",
        "float_parsing": "Must be a number.",
        "float_type": "Must be a number.",
        "finite_number": "Must be a finite number.",
        "bool_parsing": "Must be on or off.",
    }
    if kind == "missing" and field is not None and len(first["loc"]) > 1 and first["loc"][-1] != field.key:
        return "Not complete."
    if kind in sentences:
        return sentences[kind]
    limits = {
        "greater_than": ("gt", "Must be more than"),
        "greater_than_equal": ("ge", "Must be at least"),
        "less_than": ("lt", "Must be less than"),
        "less_than_equal": ("le", "Must be at most"),
    }
    if kind in limits:
        name, words = limits[kind]
        return f"{words} {context[name]:g}{unit}."
    if kind == "literal_error" and field is not None:
        return f"Must be {_either(field.words)}."
    message = str(first["msg"]).removeprefix("Value error, ")
    message = message[:1].upper() + message[1:]
    return message if message.endswith(".") else message + "."


def _either(words: tuple[str, ...]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _fields(config: type[BaseModel]) -> tuple[FormField, ...]:
    helps = _helps(config)
    same = getattr(config, "same_in_rig", ())
    fields = [
        _field(key, info, helps.get(key, ""), same_in_rig=key in same)
        for key, info in config.model_fields.items()
    ]
    # What must be given comes first, groups and free yaml last; otherwise as the author ordered them.
    return tuple(sorted(fields, key=lambda one: (not one.required, one.kind in {"group", "yaml"})))


def _field(key: str, info: FieldInfo, help_text: str, *, same_in_rig: bool) -> FormField:
    stem, _, end = key.rpartition("_")
    unit = UNITS.get(end, "") if stem else ""
    label = _SHORT_FORMS.get(key) or (stem if unit else key).replace("_", " ")
    kinds, words, inner, optional = _parts(info.annotation)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        default = default.model_dump(mode="json")
    return FormField(
        key=key,
        label=label[:1].upper() + label[1:],
        unit=unit,
        help=help_text,
        kind=_kind(key, info, kinds, words, inner),
        required=info.is_required(),
        optional=optional,
        default=default,
        words=words,
        fields=_fields(inner) if inner is not None and not kinds and not words else (),
        same_in_rig=same_in_rig,
    )


def _parts(annotation: Any) -> tuple[set[Any], tuple[str, ...], type[BaseModel] | None, bool]:
    """The plain types, the words, the nested config of an annotation, and whether None is allowed."""
    kinds: set[Any] = set()
    words: list[str] = []
    inner: type[BaseModel] | None = None
    optional = False
    waiting = [annotation]
    while waiting:
        one = waiting.pop(0)
        origin = get_origin(one)
        if origin is Annotated:
            waiting.append(get_args(one)[0])
        elif origin in {Union, UnionType}:
            waiting += get_args(one)
        elif origin is Literal:
            words += [str(word) for word in get_args(one)]
        elif one is NoneType:
            optional = True
        elif isinstance(one, type) and issubclass(one, BaseModel):
            inner = one
        else:
            kinds.add(one)
    return kinds, tuple(words), inner, optional


def _kind(
    key: str, info: FieldInfo, kinds: set[Any], words: tuple[str, ...], inner: type[BaseModel] | None
) -> Kind:
    if inner is not None:
        return "group" if not kinds and not words else "yaml"
    if words:
        if not kinds:
            return "choice"
        return "number_or_word" if kinds <= {int, float} else "yaml"
    if kinds == {bool}:
        return "switch"
    if kinds == {int}:
        return "integer"
    if kinds and kinds <= {int, float}:
        return "number"
    if len(kinds) == 1 and get_origin(next(iter(kinds))) in {tuple, list}:
        plain = {int, float, str, Ellipsis}
        return "list" if set(get_args(next(iter(kinds)))) <= plain else "yaml"
    if kinds == {str}:
        if not info.repr:
            return "secret"
        return "path" if key in _NAMES_OF_PATHS else "text"
    return "yaml"


def _helps(config: type[BaseModel]) -> dict[str, str]:
    """The ``Attributes:`` section of the class's docstring."""
    text = inspect.cleandoc(config.__doc__ or "")
    _, found, section = text.partition("Attributes:\n")
    if not found:
        return {}
    helps: dict[str, str] = {}
    key = ""
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        begins = re.match(r" {4}(\w+): (.*)", line)
        if begins:
            key = begins[1]
            helps[key] = begins[2]
        elif key and line.strip():
            helps[key] += " " + line.strip()
    return {key: _plain(text) for key, text in helps.items()}


def _plain(text: str) -> str:
    return re.sub(r"\bNone\b", "empty", re.sub(r"``([^`]+)``", r"“\1”", text))
