"""One service an alert can be sent to, through Apprise; what it answered is looked at, too."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from engine.errors import ConfigError
from engine.journal.alerts.messages import Message
from engine.journal.redaction import REDACTOR, redact

TELEGRAM = ("MW_TELEGRAM_TOKEN", "MW_TELEGRAM_CHAT")
DISCORD = "MW_DISCORD_WEBHOOK"
OTHERS = "MW_ALERT_URLS"
_SUPPRESS_NOTIFICATIONS = 4096  # Discord's message flag
_TOO_MANY = 429

_answers: ContextVar[list[Any] | None] = ContextVar("answers", default=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one sending went: ``wait`` is how long the service asked to be left alone, seconds."""

    delivered: bool
    why: str = ""
    wait: float = 0.0


class Service(Protocol):
    """Where alerts can be sent."""

    name: str

    def send(self, message: Message) -> Outcome: ...


class AppriseService:
    """A service behind one Apprise URL.

    Apprise says only whether a sending worked. Why not, and how long the service asks to wait
    after "too many requests", stands in the HTTP answer, which is watched on its way.

    Raises
    ------
    ConfigError
        The URL is none Apprise knows.
    """

    def __init__(self, url: str, timeout: float) -> None:
        import apprise

        REDACTOR.learn(url)
        self.name = re.split(r"[:.]", url.partition("://")[2] if url.startswith("http") else url)[0]
        if "discord" in url.partition("?")[0]:
            self.name = "discord"
        elif url.startswith("tgram"):
            self.name = "telegram"
        self._loud = self._made(apprise, url, timeout)
        self._silent = self._made(apprise, _quiet(url, self.name), timeout)

    @staticmethod
    def _made(apprise: Any, url: str, timeout: float) -> Any:
        made = apprise.Apprise.instantiate(url)
        if made is None:
            scheme = url.partition(":")[0]
            raise ConfigError(
                f"alerts: a URL of {scheme!r} is none Apprise knows, expected one like tgram://..."
            )
        made.socket_connect_timeout = made.socket_read_timeout = timeout
        return made

    def send(self, message: Message) -> Outcome:
        """Send once and say how it went; never raises."""
        server = self._silent if message.silent else self._loud
        with _watched() as answers:
            try:
                delivered = bool(server.notify(title=redact(message.title), body=redact(message.body) or "-"))
            except Exception as error:  # noqa: BLE001 - a service's trouble must never become the session's
                return Outcome(False, redact(f"{type(error).__name__}: {error}"))
        if delivered:
            return Outcome(True)
        if not answers:
            return Outcome(False, "no answer")
        status = answers[-1].status_code
        wait = _retry_after(answers[-1]) if status == _TOO_MANY else 0.0
        return Outcome(False, f"answered {status}", wait)


def _quiet(url: str, name: str) -> str:
    option = {"telegram": "silent=yes", "discord": f"flags={_SUPPRESS_NOTIFICATIONS}"}.get(name)
    return url if option is None else f"{url}{'&' if '?' in url else '?'}{option}"


def _retry_after(answer: Any) -> float:
    """Return the seconds a service asks to wait: its header, else its JSON (Telegram, Discord)."""
    told: Any = answer.headers.get("Retry-After")
    try:
        if told is None:
            body = answer.json()
            told = body.get("retry_after") or body.get("parameters", {}).get("retry_after")
        return max(0.0, float(told))
    except (ValueError, TypeError, AttributeError):
        return 0.0


@contextmanager
def _watched() -> Iterator[list[Any]]:
    """Collect the HTTP answers this thread gets meanwhile."""
    _listen()
    answers: list[Any] = []
    token = _answers.set(answers)
    try:
        yield answers
    finally:
        _answers.reset(token)


@functools.cache
def _listen() -> None:
    """Let every answer of `requests` also be kept where somebody watches; once a process."""
    from requests import Session

    send = Session.send

    @functools.wraps(send)
    def sending(self: Session, request: Any, **options: Any) -> Any:
        answer = send(self, request, **options)
        watching = _answers.get()
        if watching is not None:
            watching.append(answer)
        return answer

    Session.send = sending  # type: ignore[method-assign]


def services(secrets: Mapping[str, str], timeout: float) -> list[Service]:
    """Return the services the environment names; none when it names none.

    ``MW_TELEGRAM_TOKEN`` with ``MW_TELEGRAM_CHAT``, ``MW_DISCORD_WEBHOOK`` and ``MW_ALERT_URLS``
    (Apprise URLs between blanks).

    Raises
    ------
    ConfigError
        Half of Telegram's pair is missing, or a URL is none Apprise knows.
    """
    urls: list[str] = []
    token, chat = (secrets.get(name, "").strip() for name in TELEGRAM)
    if bool(token) != bool(chat):
        missing = TELEGRAM[1] if token else TELEGRAM[0]
        raise ConfigError(f"alerts: {missing} is not set, expected it beside the other of Telegram's two")
    if token:
        urls.append(f"tgram://{token}/{chat}/")
    if secrets.get(DISCORD, "").strip():
        urls.append(secrets[DISCORD].strip())
    urls += secrets.get(OTHERS, "").split()
    return [AppriseService(url, timeout) for url in urls]
