"""How often history may be asked for.

Interactive Brokers' limits on small bars: 60 requests in ten minutes, the same request once in
15 seconds, fewer than six requests for one contract in two seconds. Whoever passes them is
answered with error 162 and, if he goes on, cut off.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits: requests in a ``window``, seconds between ``identical`` ones, a contract's ``burst``."""

    requests: int = 60
    window: float = 600.0
    identical: float = 15.0
    burst: int = 5
    burst_window: float = 2.0


@dataclass
class Pacing:
    """Say how long to wait before a request; the caller tells the time, in seconds.

    Requests are kept in memory only: after a restart the first ones count from nothing, which
    the retries of `feeds.ibkr_history.download` make good.
    """

    rules: Rules = field(default_factory=Rules)
    _sent: deque[tuple[float, str, str]] = field(default_factory=deque)

    def wait(self, now: float, contract: str, request: str) -> float:
        """Return the seconds until a request keeps every limit, 0 when it may go at once.

        Parameters
        ----------
        now : float
            Never less than in a call before.
        contract : str
            Whom the request is about.
        request : str
            The whole request: equal texts are identical requests.
        """
        rules = self.rules
        times = [sent for sent, _, _ in self._sent]
        until = [now]
        if len(times) >= rules.requests:
            until.append(times[-rules.requests] + rules.window)
        until += [sent + rules.identical for sent, _, same in self._sent if same == request]
        about = [sent for sent, whom, _ in self._sent if whom == contract]
        if len(about) >= rules.burst:
            until.append(about[-rules.burst] + rules.burst_window)
        return max(until) - now

    def sent(self, now: float, contract: str, request: str) -> None:
        """Note that a request went out."""
        self._sent.append((now, contract, request))
        longest = max(self.rules.window, self.rules.identical, self.rules.burst_window)
        while self._sent and now - self._sent[0][0] > longest:
            self._sent.popleft()

    def seconds(self, requests: int) -> float:
        """Return about how long so many further requests take by the rules alone."""
        whole = max(requests + len(self._sent) - self.rules.requests, 0)
        return whole * self.rules.window / self.rules.requests
