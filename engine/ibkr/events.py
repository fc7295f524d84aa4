"""What the gateway tells, as immutable records that no longer know which client library heard it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class LinkState(StrEnum):
    """Where the connection stands."""

    DOWN = "down"  # no socket
    UP = "up"  # socket, and the gateway reaches IBKR
    UPSTREAM_LOST = "upstream_lost"  # socket, but the gateway does not reach IBKR (1100)
    STOPPED = "stopped"


class Change(StrEnum):
    """What happened to the connection."""

    CONNECTED = "connected"
    LOST = "lost"
    UPSTREAM_LOST = "upstream_lost"  # 1100
    RESTORED = "restored"  # 1102: data kept
    RESTORED_EMPTY = "restored_empty"  # 1101: subscriptions lost, made anew


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A change of the connection, with the words to tell it."""

    what: Change
    text: str


@dataclass(frozen=True, slots=True)
class ErrorTold:
    """A message of the gateway; ``request`` is an order's or request's id, -1 for neither."""

    request: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class OpenOrderTold:
    """An order the gateway says is open. ``contract`` is the library's, as TWS returned it."""

    order_id: int
    perm_id: int
    client_id: int
    ref: str
    action: str
    quantity: float
    kind: str
    limit: float
    aux: float
    status: str
    account: str
    contract: Any

    @property
    def price(self) -> float:
        """The price it stands at: the limit, of a stop order the trigger."""
        return self.aux if self.kind == "STP" else self.limit


@dataclass(frozen=True, slots=True)
class StatusTold:
    """An order status message. It is a rumour until open orders and executions confirm it."""

    order_id: int
    perm_id: int
    client_id: int
    status: str
    filled: float
    remaining: float
    why: str


@dataclass(frozen=True, slots=True)
class ExecutionTold:
    """One execution: of a combo (``kind`` BAG, net price) or of an instrument. ``side`` +1 or -1."""

    exec_id: str
    order_id: int
    perm_id: int
    client_id: int
    ref: str
    account: str
    kind: str
    con_id: int
    side: int
    quantity: float
    price: float
    at: datetime
    liquidation: bool
    live: bool
    contract: Any


@dataclass(frozen=True, slots=True)
class CommissionTold:
    """The fees of one execution, USD."""

    exec_id: str
    fees: float


@dataclass(frozen=True, slots=True)
class PositionTold:
    """What an account holds of one instrument, signed; 0 when it is gone."""

    account: str
    con_id: int
    quantity: float
    cost: float
    contract: Any


@dataclass(frozen=True, slots=True)
class AccountTold:
    """A figure of an account: NetLiquidation, AvailableFunds, TotalCashValue and others."""

    account: str
    tag: str
    value: str
    currency: str


@dataclass(frozen=True, slots=True)
class SentTold:
    """An order left for the gateway under this id; heard before anything the gateway answers."""

    ref: str
    order_id: int


@dataclass(frozen=True, slots=True)
class PreviewTold:
    """What the gateway says an order would bind, USD; ``refusal`` is why it would not take it."""

    ref: str
    margin: float
    refusal: str


@dataclass(frozen=True, slots=True)
class SurveyTold:
    """All open orders of this client, asked for after ``asked`` (seconds of the link's clock).

    Every execution the gateway knew of was told before this.
    """

    asked: float
    orders: tuple[OpenOrderTold, ...]


Told = (
    LinkChange
    | ErrorTold
    | OpenOrderTold
    | StatusTold
    | ExecutionTold
    | CommissionTold
    | PositionTold
    | AccountTold
    | SentTold
    | PreviewTold
    | SurveyTold
)
