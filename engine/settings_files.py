"""Where settings come from, and how to say in one line what is wrong with one."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from engine.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings and what it says."""

    place: str
    values: dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML as usual, but a key that stands twice is an error, not a silent choice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise ConfigError(f"{self.name}:{line}: {key!r} stands twice, expected it once")
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; a section left empty counts as absent.

    Raises
    ------
    ConfigError
        When the file is missing, is not YAML or holds no mapping; names file and line.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            loaded = yaml.load(stream, _Loader)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file, expected the settings there") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: not readable as YAML: {error.problem or error.context}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {str(error).splitlines()[0]}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path}: holds {type(loaded).__name__} {str(loaded)[:40]!r}, expected sections")
    return {str(key): value for key, value in loaded.items() if value is not None}


def profile_path(folder: Path, name: str) -> Path:
    """Return the file of a profile, or raise ConfigError naming those there are."""
    known = sorted(path.stem for path in (folder / "profiles").glob("*.yaml"))
    if name not in known:
        raise ConfigError(f"profile is {name!r}, expected one of {known}{did_you_mean(name, known)}")
    return folder / "profiles" / f"{name}.yaml"


class _Variables(EnvSettingsSource):
    """Variables as pydantic-settings reads them; lists also as ``XSP,SPX`` or ``[XSP, SPX]``."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            raise ValueError(f"not readable: {value!r}") from None


def environment(model: type[BaseSettings], prefix: str) -> dict[str, Any]:
    """Return what variables named ``MW__SECTION__KEY`` say, nested.

    Raises
    ------
    ConfigError
        When a variable names no section or cannot be read.
    """
    for name in variables(prefix):
        section = name[len(prefix) :].split("__")[0].lower()
        if section not in model.model_fields:
            hint = did_you_mean(section, model.model_fields)
            raise ConfigError(f"environment: {name}: no section {section!r}{hint}")
    try:
        return _Variables(model, env_parse_none_str="null")()
    except SettingsError as error:
        raise ConfigError(f"environment: {prefix}*: {str(error).splitlines()[0]}") from None


def variables(prefix: str) -> list[str]:
    """Return the names of the variables that are read as settings."""
    return sorted(name for name in os.environ if name.upper().startswith(prefix))


def merge(layers: Iterable[Layer]) -> dict[str, Any]:
    """Return all layers laid over each other, mappings key by key."""
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _over(merged, layer.values)
    return merged


def origins(values: Mapping[str, Any], layers: Sequence[Layer]) -> dict[str, tuple[Any, str]]:
    """Return by dotted key every single value with the place it comes from, ``default`` for none."""
    found: dict[str, tuple[Any, str]] = {}

    def walk(held: Mapping[str, Any], path: tuple[str, ...]) -> None:
        for key, value in held.items():
            here = (*path, key)
            if isinstance(value, Mapping) and value:
                walk(value, here)
                continue
            told = (layer.place for layer in reversed(layers) if _has(layer.values, here))
            found[".".join(here)] = value, next(told, "default")

    walk(values, ())
    return found


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = _over(old, value) if both else value  # type: ignore[arg-type]
    return result


def complaint(
    error: ValidationError, layers: Sequence[Layer], model: type[BaseModel], prefix: str
) -> ConfigError:
    """Return the first thing pydantic found as one line naming place, key, value and expectation."""
    found = error.errors()
    # an unknown key is most often the cause of what else is wrong
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    location = [part for part in first["loc"] if isinstance(part, str)]
    place = next((layer.place for layer in reversed(layers) if _has(layer.values, location)), "settings")
    key = ".".join(location)
    if place == "environment":
        key = prefix + "__".join(location).upper()
    value = first["input"]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if first["type"] == "extra_forbidden":
        hint = did_you_mean(location[-1], _fields(model, location[:-1]))
        return ConfigError(f"{place}: {key}: no such setting, got {value!r}{hint}{more}")
    text = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    if first["type"] == "value_error" and isinstance(value, Mapping | BaseModel):
        named = "" if not key or text.startswith(f"{key}.") else f"{key}: "
        return ConfigError(f"{place}: {named}{text}{more}")
    hint = did_you_mean(value, _listed(text)) if isinstance(value, str) else ""
    return ConfigError(f"{place}: {key}: got {value!r}, {text[0].lower() + text[1:]}{hint}{more}")


def _listed(text: str) -> list[str]:
    """Return the words an expectation lists: ``expected 'grid' or 'list'``, ``expected one of a, b``."""
    return re.findall(r"'([^']+)'", text) or text.partition("one of ")[2].split(", ")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``". Did you mean 'x'?"`` for the known word nearest to ``word``, else nothing."""
    names = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), names, n=1, cutoff=0.5)
    return f". Did you mean {names[near[0]]!r}?" if near else ""


def check_key(model: type[BaseModel], key: str, place: str) -> None:
    """Make sure that a dotted key names one setting.

    Raises
    ------
    ConfigError
        There is no such key, or it is a whole section; names the nearest one.
    """
    kind: Any = model
    for part in key.split("."):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if part not in kind.model_fields:
                hint = did_you_mean(part, kind.model_fields)
                raise ConfigError(f"{place}: {key}: no such setting{hint}")
            kind = kind.model_fields[part].annotation
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            raise ConfigError(f"{place}: {key}: no such setting, nothing lies under a single value")
    if get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        raise ConfigError(f"{place}: {key}: is a whole section, expected one of its settings")


def _has(values: Any, location: Sequence[str]) -> bool:
    for part in location:
        if not isinstance(values, Mapping) or part not in values:
            return False
        values = values[part]
    return True


def _fields(model: type[BaseModel], location: Sequence[str]) -> list[str]:
    for part in location:
        field = model.model_fields.get(part)
        if field is None:
            return []
        kinds = (field.annotation, *get_args(field.annotation))
        model = next(
            (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), model
        )
    return list(model.model_fields)
