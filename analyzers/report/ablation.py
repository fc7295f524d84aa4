"""The tables of an ablation, and in words which filters are worth nothing."""

from __future__ import annotations

from collections.abc import Mapping

from analyzers.ablation import Worth
from analyzers.controls import Mean
from analyzers.report.sections import Section
from analyzers.report.words import THIN, count, interval, usd, words

COLUMNS = (
    "Trades with",
    "Trades without",
    "USD a session",
    "95 % interval",
    "USD a trade",
    "95 % interval ",
    "Verdict",
)
OWN = (
    "Each filter of a bot switched off alone, everything else as configured, on the same days. USD a "
    "session: what the account gains by having the filter, after costs; a filter that only keeps a losing "
    "bot from trading gains here too. USD a trade: by how much the trades it lets through are better than "
    "those without it. An interval that holds zero cannot be told from chance; of twenty that chance alone "
    "makes, one leaves zero out all the same, so one good verdict among many is not yet a find."
)
OPTIONAL = "Filters that are off by default, switched on alone at the value named, read in the same way."


def sections_of(
    own: Mapping[str, Mapping[str, Worth]], optional: Mapping[str, Mapping[str, Worth]]
) -> list[Section]:
    """Return the report's tables; worths by bot and filter."""
    return [
        _section("What each filter is worth", OWN, own),
        _section("What the optional filters would be worth", OPTIONAL, optional),
    ]


def _section(title: str, text: str, found: Mapping[str, Mapping[str, Worth]]) -> Section:
    rows = [
        (
            f"{words(bot)}: {words(name)}",
            (count(one.kept), count(one.open), *_cells(one.session), *_cells(one.trade), verdict(one)),
        )
        for bot, filters in found.items()
        for name, one in filters.items()
    ]
    return Section(title, text, COLUMNS, tuple(rows), "Filter")


def _cells(mean: Mean) -> tuple[str, str]:
    return usd(mean.value), interval(mean.low, mean.high) if mean.known else THIN


def verdict(one: Worth) -> str:
    """Return what an honest reader may conclude."""
    if not one.changes:
        return "changes nothing"
    if not one.trade.known:
        return THIN
    if not one.significant:
        return "worth nothing that can be told from chance"
    better = one.trade.low > 0.0
    if better:
        return "lets better trades through"
    if one.trade.high < 0.0:
        return "lets worse trades through"
    gains = one.session.value > 0.0
    if one.kept > one.open:
        return "earns by trading more" if gains else "loses by trading more"
    return "saves by not trading" if gains else "costs by not trading"


def worthless(found: Mapping[str, Mapping[str, Worth]]) -> list[str]:
    """Return the filters that are worth nothing that can be told from chance, with their bots."""
    return [
        f"{words(bot)}: {words(name)}"
        for bot, filters in found.items()
        for name, one in filters.items()
        if not one.changes or (one.trade.known and not one.significant)
    ]
