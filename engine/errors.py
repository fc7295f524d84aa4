"""The one error tree; each docstring says what the program does about the error."""

from __future__ import annotations


class MarketWatchError(Exception):
    """A domain error: the command prints it as one line and exits with 2."""

    exit_code = 2


class ConfigError(MarketWatchError):
    """A setting is missing, unreadable or out of range: nothing starts, exit 1."""

    exit_code = 1


class DataError(MarketWatchError):
    """An input file or its content cannot be trusted: nothing is written, exit 2."""


class CalendarError(MarketWatchError):
    """A calendar does not cover the day asked for: entries are refused that day."""


class SessionError(MarketWatchError):
    """A live session may not start or go on (another one runs, wrong account, kill file): exit 2."""


class OrderError(MarketWatchError):
    """An order makes no sense (no legs, zero quantity, bad tick): it is never sent."""


class LedgerError(MarketWatchError):
    """The books do not balance: the run stops at once, because nothing after it is true."""


class GateError(MarketWatchError):
    """The gate's history cannot be trusted, or something does not fit it: nothing is recorded, exit 2."""


class LinkError(MarketWatchError):
    """TWS or IB Gateway is not there, refuses, or does not answer: said in one line, exit 3.

    ``code`` is TWS's own error code, 0 where it gave none.
    """

    exit_code = 3

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class JournalError(MarketWatchError):
    """The journal cannot be opened, trusted or written: a session refuses entries and ends flat."""
