"""What the best of a search is worth, in words a trader understands."""

from __future__ import annotations

import math

from analyzers.report.sections import Section
from analyzers.report.words import THIN, count, ratio, share, with_error
from analyzers.search import Luck
from engine.research.statistics import DAYS

SURE = 0.95


def luck_section(luck: Luck, tried: int, family: str, chosen: str = "the best variant") -> Section:
    """Return the table of luck and overfitting.

    Parameters
    ----------
    luck : Luck
    tried : int
        Variants of this search.
    family : str
        Whose trials are counted together.
    chosen : str
        What the Sharpe ratio is of.
    """
    deflated, found = luck.deflated, luck.overfitting
    rows = [
        ("Variants of this search", (count(tried), "")),
        (
            f"Trials of the family {family}",
            (count(deflated.trials), "everything ever tried, earlier searches too"),
        ),
        (f"Sharpe ratio of {chosen}", (with_error(luck.ratio, luck.error), "")),
        (
            "Sharpe ratio luck alone would show",
            (ratio(deflated.luck), f"the best of {count(deflated.trials)} trials without any skill"),
        ),
        (
            "Chance that it is better than luck",
            (share(deflated.probability), f"deflated Sharpe ratio; below {share(SURE, 0)} proves nothing"),
        ),
        ("Days until that would be shown", (_days(luck), f"of {count(luck.days)} there are")),
        (
            "Chance of overfitting",
            (
                THIN if found is None else share(found.probability),
                "how often the best of one half of the days was below the middle in the other",
            ),
        ),
        (
            "It then lost money in the other half",
            (THIN if found is None else share(found.loss), "" if found is None else f"{found.blocks} blocks"),
        ),
    ]
    return Section("Luck and overfitting", verdict_of(luck, chosen), ("", "What it means"), tuple(rows), "")


def verdict_of(luck: Luck, chosen: str = "the best variant") -> str:
    """Return one sentence that says what to believe."""
    deflated, found = luck.deflated, luck.overfitting
    if not math.isfinite(luck.ratio):
        return f"{THIN.capitalize()}: too few days or trades to say anything of {chosen}."
    told = (
        f"After {count(deflated.trials)} trials luck alone would show a Sharpe ratio of about "
        f"{ratio(deflated.luck)}; {chosen} shows {ratio(luck.ratio)}"
    )
    if luck.ratio <= deflated.luck:
        told += ", which is no more than luck."
    elif deflated.probability >= SURE:
        told += f", which luck explains with a chance of only {share(1.0 - deflated.probability)}."
    else:
        told += f", which may well be luck ({share(1.0 - deflated.probability)})."
    if found is not None and found.probability >= 0.5:
        told += (
            " Choosing the best here is worse than drawing lots: it was more often below the middle later."
        )
    return told


def _days(luck: Luck) -> str:
    if math.isnan(luck.needed):
        return THIN
    if math.isinf(luck.needed) or luck.needed > 1000 * DAYS:
        return "never, at this ratio"
    return f"{count(luck.needed)} ({ratio(luck.needed / DAYS, 1)} years)"
