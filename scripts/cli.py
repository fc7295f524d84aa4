"""The command ``mw``. Exit codes: 0 done, 1 configuration or fatal, 2 domain error, 130 Ctrl-C."""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys

import typer

from engine.errors import MarketWatchError
from engine.journal.redaction import redact
from scripts.commands import (
    checks,
    data,
    gate,
    gateway,
    journal,
    learning,
    live,
    research,
    run,
    serve,
    setup,
    validate,
)

INTERRUPTED = 130  # a shell's code for Ctrl-C, and typer's
COMPLETING = "_MW_COMPLETE"
USUAL = gc.get_threshold()
STARTING = (500_000, *USUAL[1:])  # new objects until garbage is looked for: more than any start makes

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # coloured help takes longer to load than everything else together
    help="Rules-based bots that sell short-dated, defined-risk option premium, and their backtest.",
)
for commands in (
    setup,
    run,
    live,
    gateway,
    data,
    research,
    checks,
    learning,
    journal,
    gate,
    serve,
    validate,
):
    commands.register(app)


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; errors of the user are one line on stderr.

    Anything that is not the user's error is a defect and keeps its traceback.
    """
    _start_calmly()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # none is used: looking for them is slow
    if COMPLETING in os.environ:  # a shell asks for words
        from typer.completion import completion_init

        completion_init()
    try:
        code = int(app(arguments, standalone_mode=False, prog_name="mw") or 0)
        sys.stdout.flush()
        return _say("stopped", INTERRUPTED) if code == INTERRUPTED else code
    except MarketWatchError as error:
        return _say(str(error), error.exit_code)
    except typer.TyperException as error:  # a word of the command line itself
        text = error.format_message().replace("Value error, ", "")
        if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command: its help
            return _show(text)
        return _say(text.rstrip(".") + _hint(text), 1) if text else 0
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped", INTERRUPTED)
    except SystemError as error:  # Ctrl-C as a compiled kernel was about to return
        if not _interrupted(error):
            raise
        return _say("stopped", INTERRUPTED)
    except BrokenPipeError:
        return _unread()
    except SystemExit as left:  # what typer makes of a broken pipe
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        return _unread()
    except OSError as error:
        if error.filename is None:
            raise
        return _say(f"{error.filename}: {error.strerror}", 1)


def _interrupted(error: BaseException | None) -> bool:
    """Tell whether Ctrl-C is behind an error, at however many kernels that called one another."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _start_calmly() -> None:
    """Look for no garbage while a command is imported, where there is none, nor as it ends.

    A quarter of a start goes into it otherwise, and half a second of an end: all objects are searched,
    several times over, before they all go.
    """
    if _go_on_as_usual not in gc.callbacks:
        gc.callbacks.append(_go_on_as_usual)
        gc.set_threshold(*STARTING)
        atexit.register(gc.freeze)


def _go_on_as_usual(phase: str, told: dict[str, int]) -> None:
    """After the first look for garbage look as often as any program: some commands run for days."""
    if phase == "stop" and gc.get_threshold() == STARTING:
        gc.callbacks.remove(_go_on_as_usual)
        gc.set_threshold(*USUAL)


def _hint(text: str) -> str:
    """Return what a word that is none of those listed was probably meant to be."""
    from engine.settings_files import did_you_mean

    got, listed, known = text.partition(" is not one of ")
    return did_you_mean(got.rpartition(": ")[2].strip("'"), re.findall(r"'([^']+)'", known)) if listed else ""


def _show(text: str) -> int:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        return _unread()
    return 0


def _unread() -> int:
    """Be content that the reader, `head` say, has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _say(text: str, code: int) -> int:
    sys.stdout.flush()
    print("mw: " + redact(" ".join(text.split())), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
