"""What markets have in common (Cont 2001): figures of minute bars, from whole sessions of 390 minutes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.bars import Bars

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Days:
    """Whole sessions as rows: log prices and minute returns (the first from the open)."""

    opened: Floats
    high: Floats
    low: Floats
    close: Floats
    returns: Floats
    vix: Floats | None
    vix_before: Floats | None = None  # VIX at the close before each day, NaN unknown

    @classmethod
    def of(cls, bars: Bars) -> Days:
        """Return the whole sessions of bars; VIX before each is that of the bars' session before."""
        grid = bars.grid
        whole = np.flatnonzero(grid.last - grid.first == 389)
        at = grid.first[whole][:, None] + np.arange(390)
        close = np.log(bars.close)[at]
        opened = np.log(bars.open)[at[:, 0]]
        return cls(
            opened,
            np.log(bars.high)[at],
            np.log(bars.low)[at],
            close,
            np.diff(close, axis=1, prepend=opened[:, None]),
            bars.lines["vix"][at] if "vix" in bars.lines else None,
            np.append(np.nan, bars.lines["vix"][grid.last[:-1]])[whole] if "vix" in bars.lines else None,
        )

    def pick(self, rows: NDArray[np.int64]) -> Days:
        """Return some of the days, repeated where a row is."""
        vix = None if self.vix is None else self.vix[rows]
        before = None if self.vix_before is None else self.vix_before[rows]
        return Days(
            self.opened[rows],
            self.high[rows],
            self.low[rows],
            self.close[rows],
            self.returns[rows],
            vix,
            before,
        )

    @property
    def variance(self) -> Floats:
        """Realised variance of each session."""
        found: Floats = (self.returns**2).sum(axis=1)
        return found

    def profile(self) -> Floats:
        """Share of the session's variance by half hour, mean 1, averaged over days."""
        share = self.returns**2 / self.variance[:, None]
        return np.asarray(share.reshape(-1, 13, 30).sum(axis=2).mean(axis=0) * 13.0)

    def standardised(self, season: bool = True) -> Floats:
        """Minute returns over their day's volatility and, unless ``season``, the time of day's."""
        z = self.returns / np.sqrt(self.variance[:, None] / 390.0)
        return z if season else z / np.sqrt((z**2).mean(axis=0))

    def kurtosis(self) -> float:
        """Excess kurtosis of minute returns, day and season removed."""
        z = self.standardised(season=False)
        return float((z**4).mean() / (z**2).mean() ** 2 - 3.0)

    def autocorrelation(self, lag: int, absolute: bool) -> float:
        """Of (absolute) minute returns within the day; season stays in for absolute ones."""
        z = np.abs(self.standardised()) if absolute else self.standardised(season=False)
        z = z - z.mean()
        return float((z[:, lag:] * z[:, :-lag]).mean() / (z**2).mean())

    def honesty(self, first: int, last: int) -> tuple[float, float]:
        """Squared move between two minutes over the realised variance between: mean and its error."""
        path = np.column_stack([self.opened, self.close])
        ratio = (path[:, last] - path[:, first]) ** 2 / (self.returns[:, first:last] ** 2).sum(axis=1)
        return float(ratio.mean()), float(ratio.std() / np.sqrt(len(ratio)))

    def range_by(self, minutes: int) -> float:
        """Median share of the day's range that the first minutes have made."""
        high, low = np.maximum.accumulate(self.high, axis=1), np.minimum.accumulate(self.low, axis=1)
        spread = high - low
        return float(np.median(spread[:, minutes - 1] / spread[:, -1]))

    def day_range(self) -> float:
        """Parkinson variance of the days over their realised variance."""
        spread = self.high.max(axis=1) - self.low.min(axis=1)
        return float((spread**2).sum() / (4.0 * np.log(2.0)) / self.variance.sum())

    def minute_range(self) -> float:
        """Parkinson variance of the minutes over their realised variance."""
        return float(((self.high - self.low) ** 2).sum() / (4.0 * np.log(2.0)) / self.variance.sum())

    def log_variance_spread(self) -> float:
        """Standard deviation over days of the log of realised variance."""
        return float(np.log(self.variance).std())

    def half_day_link(self) -> float:
        """Correlation of log variance until 10:30 with that after 12:00."""
        early = np.log((self.returns[:, :60] ** 2).sum(axis=1))
        late = np.log((self.returns[:, 150:] ** 2).sum(axis=1))
        return float(np.corrcoef(early, late)[0, 1])

    def leverage(self) -> float:
        """Correlation of a minute's return with the mean absolute return of the next ten."""
        z = self.standardised(season=False)
        after = np.lib.stride_tricks.sliding_window_view(np.abs(z), 10, axis=1).mean(axis=2)[:, 1:]
        return float(np.corrcoef(z[:, : after.shape[1]].ravel(), after.ravel())[0, 1])

    def vix_response(self) -> tuple[float, float]:
        """Correlation and slope of minute changes of the log VIX on returns."""
        assert self.vix is not None
        change = np.diff(np.log(self.vix), axis=1).ravel()
        move = self.returns[:, 1:].ravel()
        covariance = np.cov(change, move)
        return float(np.corrcoef(change, move)[0, 1]), float(covariance[0, 1] / covariance[1, 1])

    def vix_rises(self, points: float = 3.0) -> tuple[float, float]:
        """Share of days on which the VIX stood so much above its open, and its previous close."""
        assert self.vix is not None
        high = self.vix.max(axis=1)
        before = np.append(self.vix[0, 0], self.vix[:-1, -1])
        return float((high - self.vix[:, 0] >= points).mean()), float((high - before >= points).mean())

    def jump_share(self) -> float:
        """Share of realised variance that bipower variation misses (Barndorff-Nielsen, Shephard 2004)."""
        size = np.abs(self.returns)
        smooth = 0.5 * np.pi * (size[:, 1:] * size[:, :-1]).sum(axis=1) * 390.0 / 389.0
        return float(1.0 - smooth.sum() / self.variance.sum())

    def moves(self) -> Floats:
        """Open-to-close move of each day over that of a day by VIX: previous close / sqrt(252)."""
        assert self.vix_before is not None
        return np.asarray((self.close[:, -1] - self.opened) / (self.vix_before / 100.0 / np.sqrt(252.0)))

    def moved_beyond(self, times: float) -> float:
        """Share of days whose open-to-close move passed so many expected moves."""
        move = np.abs(self.moves())
        return float((move[np.isfinite(move)] > times).mean())

    def ranged_beyond(self, times: float) -> float:
        """Share of days whose range passed so many expected moves."""
        assert self.vix_before is not None
        spread = self.high.max(axis=1) - self.low.min(axis=1)
        ratio = spread / (self.vix_before / 100.0 / np.sqrt(252.0))
        return float((ratio[np.isfinite(ratio)] > times).mean())

    def realised_against_vix(self) -> tuple[float, float]:
        """Mean and standard deviation of the log of a session's volatility over the previous VIX close."""
        assert self.vix_before is not None
        ratio = np.log(np.sqrt(252.0 * self.variance) / (self.vix_before / 100.0))
        ratio = ratio[np.isfinite(ratio)]
        return float(ratio.mean()), float(ratio.std())
