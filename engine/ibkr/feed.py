"""Live minute bars for Backtrader, all symbols in step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.ibkr.contracts import Contracts
from engine.ibkr.link import Link
from engine.ibkr.quotes import LiveQuotes
from engine.ibkr.tape import LiveTape
from engine.lines import MinuteFeed
from engine.settings_ibkr import IbkrSettings


class Minutes:
    """Rows of finished minutes, one for all symbols; `LiveFeed` hands them to Cerebro.

    Attributes
    ----------
    tape : LiveTape
        The desk's clock. ``tape.is_live(bar)`` is False for what was filled in from history.
    """

    tape: LiveTape

    def __init__(
        self,
        link: Link,
        contracts: Contracts,
        book: LiveQuotes,
        symbols: Sequence[str],
        settings: IbkrSettings,
    ) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Fetch the past and subscribe to the present; blocks. LinkError when bars are refused."""
        raise NotImplementedError

    def finish(self) -> None:
        """Let the feeds end after what has come so far."""
        raise NotImplementedError


class LiveFeed(MinuteFeed):
    """One symbol of `Minutes`. Tells DELAYED, LIVE, CONNBROKEN and CONNECTED to Cerebro."""

    params: Any = (("minutes", None), ("symbol", ""), ("qcheck", 0.25))
