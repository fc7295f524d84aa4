"""Secrets never leave the program: one function between them and every log, row, report and error.

Known values (from the environment, ``.env`` and database URLs) are struck out wherever they
stand; beside them, what looks like a token, a password in a URL or an account number.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"
SHORTEST = 4  # a shorter value would strike out words
_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|_KEY$|ACCOUNT|WEBHOOK|ALERT_URL|DATABASE_URL"
)
_PATTERNS = (
    r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)",  # user:password@
    r"(?<=password=)[^\s&'\"]+",
    r"\b\d{8,10}:[A-Za-z0-9_-]{30,}",  # Telegram's bot token
    r"(?<=/webhooks/)\d+/[A-Za-z0-9_-]{20,}",  # Discord's
    r"(?<=discord://)[^\s'\"]+",
    r"(?<=tgram://)[^\s'\"]+",
    r"(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}",
    r"\b(?:DU|DF|U|F|I)\d{6,9}\b",  # IBKR's account numbers
    r"[\x00\ud800-\udfff]",  # no secret, but what no database and no file takes
)


class Redactor:
    """Strike secrets out of texts.

    Parameters
    ----------
    secrets : iterable of str
        Values to strike out wherever they stand.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._compile()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Strike this out from now on; of a URL with a password, only the password."""
        password = None
        if "://" in secret:
            with suppress(ValueError):
                password = urlsplit(secret).password
            if password is None and secret.startswith("postgres"):
                return  # a database's address without a password: nothing secret in it
        word = password or secret
        self._known |= {one for one in (word, quote(word, safe=""), unquote(word)) if len(one) >= SHORTEST}
        self._compile()

    def _compile(self) -> None:
        known = (re.escape(word) for word in sorted(self._known, key=len, reverse=True))
        self._pattern = re.compile("|".join((*known, *_PATTERNS)))

    def text(self, text: str) -> str:
        """Return the text with every secret replaced by ``***``."""
        return self._pattern.sub(HIDDEN, text)

    def value(self, value: Any) -> Any:
        """Return a value of mappings, lists and texts without secrets; anything else as it is."""
        if isinstance(value, str):
            return self._pattern.sub(HIDDEN, value)
        if isinstance(value, Mapping):
            return {key: self.value(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        return value


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """Return the values of the variables whose names say that they are secret."""
    return [value for name, value in environment.items() if value and _SECRET_NAME.search(name.upper())]


REDACTOR = Redactor(secrets_of(os.environ))


def redact(text: str) -> str:
    """Return a text without secrets."""
    return REDACTOR.text(text)
