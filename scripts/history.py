"""``mw data history``: minute bars from Interactive Brokers into a file of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from rich.console import Console

from engine.errors import ConfigError
from engine.options.contract import Product
from engine.sessions import NEW_YORK, close_minute, session_dates
from engine.universe import load_universe
from feeds.ibkr_history.download import Link, download
from feeds.ibkr_history.parts import Parts, joined
from feeds.synthetic.cache import save
from scripts.data import say_bars
from scripts.market import find_product, parse_timerange
from scripts.progress import shown
from scripts.told import console_of, print_json


def history(
    symbol: str,
    out: Path,
    timerange: str,
    link: Link,
    vix: bool = True,
    as_json: bool = False,
    config: Path = Path("config"),
    console: Console | None = None,
) -> Path:
    """Fetch what is missing of the days, join all of them and say what came.

    Fetched days are kept beside ``out`` in ``<out>.parts`` until the file is whole.

    Parameters
    ----------
    symbol : str
        Of ``config/universe.json``.
    out : Path
        A ``.parquet`` file; `feeds.history.load_bars` reads it without further options.
    timerange : str
        ``YYYYMMDD-YYYYMMDD``; sessions that are not over are left out.
    link : Link
    vix : bool
        Fetch VIX for the same days, as the line ``vix``.

    Raises
    ------
    ConfigError
        An unknown symbol, range or file type, or no finished session among the days.
    DataError
        See `feeds.ibkr_history.download.download`.
    """
    if out.suffix != ".parquet":
        raise ConfigError(f"out: got {str(out)!r}, expected a file name ending in .parquet")
    universe = load_universe(config / "universe.json")
    product = find_product(universe, symbol)
    days = finished(timerange, datetime.now(NEW_YORK))
    folder = out.with_name(f"{out.name}.parts")
    parts = Parts(folder, symbol)
    fear = Parts(folder, "VIX") if vix else None
    wanted = [(product, parts)]
    if fear is not None:
        wanted.append((replace(universe["SPX"], symbol="VIX"), fear))
    console = console or console_of(as_json)
    asked = _fetched(link, wanted, days, console)
    bars = joined(parts, days, fear)
    save(bars, out)
    _forget(folder, symbol)
    if as_json:
        found = {"file": str(out), "bars": len(bars), "sessions": len(bars.grid.dates), "requests": asked}
        print_json(found | {"notes": list(bars.notes)})
        return out
    say_bars(console, out, symbol, bars, f"{asked} requests")
    return out


def _fetched(
    link: Link, wanted: Sequence[tuple[Product, Parts]], days: Sequence[date], console: Console
) -> int:
    """Fetch what is missing, show how far it is, and return how many requests it took."""
    with shown(console, f"{wanted[0][0].symbol} from {link.host}:{link.port}") as told:

        def far(done: int, total: int, seconds: float) -> None:
            rest = f", at least {seconds / 60.0:.0f} min left" if seconds > 60.0 else ""
            told(done, total, f"{done}/{total}{rest}")

        return download(link, wanted, days, far)


def _forget(folder: Path, symbol: str) -> None:
    """Remove the days of a symbol and of VIX, which now stand in one file."""
    for path in (*folder.glob(f"{symbol}-*.parquet"), *folder.glob("VIX-*.parquet")):
        path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def finished(timerange: str, now: datetime) -> list[date]:
    """Return the trading days of a range whose sessions are over.

    Raises
    ------
    ConfigError
        The range has no end or beginning, or no such day.
    """
    start, end = parse_timerange(timerange)
    if start is None or end is None:
        raise ConfigError(f"timerange: got {timerange!r}, expected both ends, as in 20240102-20240131")
    minute = now.hour * 60 + now.minute
    days = [
        day
        for day in session_dates(start, end)
        if day < now.date() or (day == now.date() and minute > close_minute(day))
    ]
    if not days:
        raise ConfigError(f"timerange: got {timerange!r}, which holds no finished trading day")
    return days
