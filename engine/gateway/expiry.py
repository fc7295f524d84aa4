"""What becomes of options nobody has closed: settled in cash, exercised, assigned.

As at the broker, none of this is an execution: positions and cash simply are other ones.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.gateway.account import Account
from engine.gateway.exchange import Exchange
from engine.gateway.market import Traded
from engine.options.contract import Contract, Right, Settlement, Stock

EXERCISE_LEAST = 0.01  # the clearing house exercises by itself from one cent in the money


def settle(account: Account, exchange: Exchange, morning: bool) -> set[str]:
    """Settle the options held that expire at the present minute.

    Parameters
    ----------
    morning : bool
        Whether this is a session's first minute, on whose open AM series settle, rather
        than its last, on whose close all others do.

    Returns
    -------
    set of str
        The symbols whose positions have changed.
    """
    changed = set()
    for option, held in account.open_holdings():
        if not isinstance(option, Contract) or option.expiry > exchange.day:
            continue
        on_open = option.product.settlement is Settlement.CASH_AM
        if option.expiry == exchange.day and on_open is not morning:
            continue
        spot = exchange.session(option.symbol)[0] if on_open else exchange.spot(option.symbol)
        deliver(account, option, held.count, intrinsic(option, spot))
        changed.add(option.symbol)
    return changed


def assign(account: Account, symbols: Iterable[str], rights: Iterable[str] = tuple(Right)) -> set[str]:
    """Let the owners of the short American options of some symbols and rights exercise them now."""
    wanted, changed = set(symbols), set()
    for option, held in account.open_holdings():
        if isinstance(option, Contract) and held.count < 0 and option.symbol in wanted:
            if option.right in rights and option.product.settlement is Settlement.PHYSICAL:
                deliver(account, option, held.count, EXERCISE_LEAST)
                changed.add(option.symbol)
    return changed


def intrinsic(option: Contract, spot: float) -> float:
    """Return what an expiring option is worth, USD per share, to the cent."""
    gap = spot - option.strike if option.right is Right.CALL else option.strike - spot
    return round(max(gap, 0.0), 2)


def deliver(account: Account, option: Contract, count: int, worth: float) -> None:
    """End a holding of an option: for cash, or for shares at the strike."""
    if option.product.settlement is not Settlement.PHYSICAL:
        cash = round(count * worth * option.multiplier * 100.0)
        account.book(Traded(option, -count, worth), cash, 0)
        return
    account.book(Traded(option, -count, 0.0), 0, 0)
    if worth >= EXERCISE_LEAST:
        shares = count * option.multiplier * (1 if option.right is Right.CALL else -1)
        cash = -round(shares * option.strike * 100.0)
        account.book(Traded(Stock(option.product), shares, option.strike), cash, 0)
