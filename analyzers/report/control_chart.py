"""Mean result of a trade against the premium put into the market, one curve a bot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from analyzers.controls import Mean
from analyzers.report import charts
from analyzers.report.control import EMPIRICAL
from analyzers.report.words import words


def control_chart(means: Mapping[str, Sequence[Mean]], premiums: Sequence[float], path: Path) -> None:
    """Write the picture as PNG.

    Parameters
    ----------
    means : mapping of bot to Mean
        One a premium.
    premiums : sequence of float
    path : Path
    """
    from matplotlib.figure import Figure

    colours = charts.colours(means)
    with charts.style():
        figure = Figure(figsize=(5.2 * max(len(means), 1), 4.2), dpi=110, facecolor=charts.PAPER)
        for number, (bot, held) in enumerate(means.items(), 1):
            axes = figure.add_subplot(1, len(means), number)
            percent = 100.0 * np.asarray(premiums)
            axes.axvspan(100.0 * EMPIRICAL[0], 100.0 * EMPIRICAL[1], color=charts.GRID, label="measured")
            axes.axhline(0.0, color=charts.FAINT, linewidth=0.9)
            low = [mean.low for mean in held]
            high = [mean.high for mean in held]
            axes.fill_between(percent, low, high, color=colours[bot], alpha=0.2, linewidth=0)
            axes.plot(percent, [mean.value for mean in held], color=colours[bot], marker="o", markersize=3.5)
            axes.set_title(words(bot))
            axes.set_xlabel("volatility premium, %")
            if number == 1:
                axes.set_ylabel("net result of a trade, USD")
                axes.legend(loc="upper left")
        figure.tight_layout()
        figure.savefig(path, metadata={"Software": None})
