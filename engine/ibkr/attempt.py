"""One attempt to reach the gateway: a client it let in, or one line why not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from engine.errors import LinkError
from engine.ibkr.events import ErrorTold
from engine.ibkr.explain import API_OFF, REFUSALS, explain
from engine.ibkr.library import Hear, make_client
from engine.settings_ibkr import IbkrSettings


class WrongAccount(LinkError):
    """The gateway holds no account that may be traded: no further attempt makes sense."""


class Attempt:
    """One attempt to connect, made in the link's thread.

    Parameters
    ----------
    settings : IbkrSettings
    hear : callable
        Takes every record the client tells, from the first byte on.
    on_end : callable
        Called without arguments when the connection ends.

    Attributes
    ----------
    where : str
        Host and port, as errors name them.
    """

    def __init__(self, settings: IbkrSettings, hear: Hear, on_end: Callable[[], None]) -> None:
        self.settings = settings
        self.where = f"{settings.host}:{settings.port}"
        loop = asyncio.get_running_loop()
        self._ib = make_client(hear)
        self._refused: asyncio.Future[str] = loop.create_future()
        client = self._ib.client
        client.apiError += self._closed
        client.apiEnd += on_end
        self._opening: asyncio.Task[Any] = loop.create_task(
            client.connectAsync(settings.host, settings.port, settings.client_id, settings.connect_seconds)
        )
        self._ib.wrapper.clientId = settings.client_id

    async def open(self) -> Any:
        """Return the ``IB`` object once the gateway has let it in.

        Raises
        ------
        LinkError
            One line: nobody listens, the API is off, the client id is taken.
        """
        opening = self._opening
        await asyncio.wait({opening, self._refused}, return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():
            opening.cancel()
            await asyncio.wait({opening})
            raise LinkError(f"{self.where}: {self._refused.result()}")
        said = f" ({self._refused.result()})" if self._refused.done() else ""
        self._refused.cancel()
        self._judge(opening.exception(), said)
        return self._ib

    def error(self, told: ErrorTold) -> None:
        """Take an error that came: while the door is still shut, some are its refusal."""
        if told.code in REFUSALS and not self._refused.done():
            self._refused.set_result(explain(told.code, told.text))

    def traffic(self) -> dict[int, tuple[int, int]] | None:
        """Return the bytes received and sent by the connection's port, None while it is being opened."""
        client = self._ib.client
        conn = client.conn
        if conn is None or conn.transport is None:
            return {} if self._opening.done() else None
        port = conn.transport.get_extra_info("sockname")[1]
        return {port: (client._numBytesRecv, conn.numBytesSent)}

    def claim(self, paper: bool) -> str:
        """Return the account to trade.

        Raises
        ------
        WrongAccount
            It is not among the gateway's, not said which of several, or of the wrong kind.
        """
        wanted, accounts = self.settings.account, self._ib.client.getAccounts()
        if wanted and wanted not in accounts:
            raise WrongAccount(f"{self.where}: ibkr.account is {wanted!r}, expected one of {accounts}")
        if not wanted and len(accounts) != 1:
            raise WrongAccount(f"{self.where}: ibkr.account is empty, expected one of {accounts}")
        account: str = wanted or accounts[0]
        if account.startswith("D") is not paper:
            kind, other = ("live", "paper") if paper else ("paper", "live")
            raise WrongAccount(
                f"{self.where}: account {account} is a {kind} account, expected a {other} one "
                "(ids of paper accounts begin with D)"
            )
        return account

    def _closed(self, text: str) -> None:
        if not self._refused.done():
            self._refused.set_result(f"the gateway closed the connection: {text}; {API_OFF}")

    def _judge(self, error: BaseException | None, said: str) -> None:
        """Turn the end of the attempt into one line."""
        if error is None:
            return
        if isinstance(error, TimeoutError):
            raise LinkError(
                f"{self.where}: connected, but the API did not answer within "
                f"{self.settings.connect_seconds:g} s{said}; {API_OFF}"
            )
        if isinstance(error, OSError):
            raise LinkError(
                f"{self.where}: nobody listens there ({_why(error)}); start TWS or IB Gateway, "
                "or set ibkr.port (TWS 7497 paper, 7496 live; gateway 4002 paper, 4001 live)"
            )
        raise LinkError(f"{self.where}: {type(error).__name__}: {error}{said}")


def _why(error: OSError) -> str:
    """Return what the system says of a refused connection; asyncio names only the address."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return str(error.strerror or error)
