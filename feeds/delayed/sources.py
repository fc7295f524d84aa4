"""Delayed chains from the first source that has one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from engine.errors import ConfigError, DataError
from engine.options.contract import Product
from engine.settings_files import did_you_mean
from feeds.delayed import barchart, cboe
from feeds.delayed.fetch import Politeness, fetch
from feeds.delayed.snapshot import Snapshot

KEY = "MW_BARCHART_KEY"  # of the environment
SOURCES = ("cboe", "barchart")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the sources are; Cboe's names ``{symbol}``."""

    cboe: str
    barchart: str


def delayed(
    product: Product,
    sources: Sequence[str],
    addresses: Addresses,
    politeness: Politeness,
    folder: Path | None = None,
) -> Snapshot:
    """Return the newest chain of the first source, in the order given, that answers.

    Parameters
    ----------
    product : Product
    sources : sequence of str
        Of ``SOURCES``. Barchart takes its key from the environment, and is passed over
        without one when it is not the only source.
    addresses, politeness
    folder : Path, optional
        Of the cache.

    Raises
    ------
    DataError
        Every source failed; each one's reason.
    ConfigError
        An unknown source, or Barchart alone without a key.
    """
    failed = []
    for name in sources:
        if name not in SOURCES:
            hint = did_you_mean(name, SOURCES)
            raise ConfigError(f"delayed.sources: got {name!r}, expected some of {', '.join(SOURCES)}{hint}")
        key = os.environ.get(KEY, "")
        if name == "barchart" and not key:
            failed.append(f"{barchart.NAME}: needs a key in {KEY}")
            continue
        try:
            if name == "cboe":
                body = fetch(cboe.NAME, cboe.address(addresses.cboe, product), politeness, folder=folder)
                return cboe.parse(body, product)
            asked = barchart.parameters(product, key)
            body = fetch(barchart.NAME, addresses.barchart, politeness, asked, folder)
            return barchart.parse(body, product)
        except DataError as error:
            logger.info("{}", error)
            failed.append(str(error))
    if list(sources) == ["barchart"] and len(failed) == 1 and KEY in failed[0]:
        raise ConfigError(failed[0])
    raise DataError("; ".join(failed) or "delayed.sources is empty, expected cboe or barchart")
