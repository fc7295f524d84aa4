"""Pages of the documentation that are made from the code: the commands and the database."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

CODES = (
    "Exit codes: 0 done, 1 configuration or fatal, 2 the data or the market said no, 130 Ctrl-C "
    "(0 where Ctrl-C is how it ends: servers and sessions)."
)


def commands_page() -> str:
    """Return every command with its arguments and options, as Markdown."""
    from typer.main import get_command

    from scripts.cli import app

    lines = ["# Commands", "", "Made from the program itself; `mw COMMAND --help` says the same.", ""]
    lines += [CODES, ""]
    for path, command in _walk("mw", get_command(app)):
        lines += [f"## {path}", "", *_about(path, command)]
    return "\n".join(lines)


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None or any(one.name != "help" for one in command.params):
        yield path, command
    for name in sorted(inner or ()):
        yield from _walk(f"{path} {name}", inner[name])


def _about(path: str, command: Any) -> list[str]:
    shown = [one for one in command.params if one.name != "help"]
    wanted = [f" {_metavar(one)}" for one in shown if one.param_type_name == "argument"]
    usage = path + "".join(wanted) + (" [OPTIONS]" if len(shown) > len(wanted) else "")
    lines = [_cell(command.help or ""), "", f"    {usage}", ""]
    if shown:
        lines += ["| word | default | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{_cell(_word(one))}` | {_default(one)} | {_cell(one.help or '')} |" for one in shown]
        lines.append("")
    return lines


def _word(one: Any) -> str:
    if one.param_type_name == "argument":
        return _metavar(one)
    names = "/".join([*one.opts, *one.secondary_opts])
    return names if one.is_flag or one.count else f"{names} {one.metavar or _kind(one)}"


def _kind(one: Any) -> str:
    """Return what a value without a word of its own is: the choices there are, or its type."""
    kind = one.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "|".join(kind)
    known = {"int": "NUMBER", "float": "NUMBER", "Path": "PATH"}
    return known.get(getattr(kind, "__name__", ""), "TEXT")


def _metavar(one: Any) -> str:
    return str(one.metavar or one.name.upper())


def _default(one: Any) -> str:
    if one.required:
        return "required"
    shown = getattr(one, "show_default", None)
    if isinstance(shown, str):
        return _cell(shown)
    value = one.default
    if value is None or value is False or value == () or callable(value) or "Sentinel" in repr(type(value)):
        return ""
    return f"`{_cell(str(value))}`" if value is not True else "on"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def database_page() -> str:
    """Return every table of the journal with its columns, as Markdown."""
    from engine.journal import tables

    lines = ["# Database", "", *inspect.cleandoc(tables.__doc__ or "").splitlines(), ""]
    for mapper in sorted(tables.Base.registry.mappers, key=lambda one: one.local_table.name):
        table = mapper.local_table
        about = inspect.cleandoc(mapper.class_.__doc__ or "").replace("`", "")
        lines += [f"## {table.name}", "", about, "", "| column | type | empty |", "| --- | --- | --- |"]
        rows = ((one.name, _type(one), "yes" if one.nullable else "no") for one in table.columns)
        lines += [f"| `{name}` | {kind} | {empty} |" for name, kind, empty in rows]
        lines.append("")
    return "\n".join(lines)


def _type(column: Any) -> str:
    name = type(column.type).__name__
    named = {"Instant": "instant, UTC", "JsonColumn": "JSON", "String": "text", "Integer": "whole number"}
    named |= {"Float": "number", "Double": "number", "Boolean": "yes or no", "Date": "date", "Text": "text"}
    return named.get(name, name) + (", key" if column.primary_key else "")


PAGES = {"reference/commands.md": commands_page, "reference/database.md": database_page}
