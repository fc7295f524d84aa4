"""The settings of the connection to Interactive Brokers: section ``ibkr`` of ``strategy.yaml``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from engine.settings_types import Amount, Count, Positive, Section, Whole


class IbkrSettings(Section):
    """Where TWS or IB Gateway listens, how patient to be with it, and what is asked of it.

    Seconds of the network (``connect``, ``request``, ``commission``, ``confirm``, ``backoff``) are
    those of the wall; seconds of the market (``bar_grace``, ``quote_age``, ``urgent``,
    ``reconcile``) those of the gateway's clock, which may run faster in a rehearsal.
    """

    host: str = "127.0.0.1"
    port: Annotated[Count, Field(le=65535)] = 4002
    client_id: Annotated[Whole, Field(le=999)] = 17
    account: str = ""
    connect_seconds: Positive = 10.0
    request_seconds: Positive = 15.0
    backoff_first: Positive = 1.0
    backoff_most: Positive = 60.0
    messages_per_second: Annotated[Count, Field(le=49)] = 40
    line_budget: Annotated[Count, Field(ge=10)] = 100
    market_data_type: Annotated[Count, Field(le=4)] = 1
    reach_moves: Positive = 3.0
    backfill_days: Annotated[Count, Field(le=30)] = 3
    bar_grace: Positive = 8.0
    quote_age: Positive = 60.0
    urgent: Positive = 5.0
    reconcile: Positive = 60.0
    commission_seconds: Positive = 10.0
    confirm_seconds: Positive = 2.0
    protective_multiple: Amount = 3.0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.backoff_first > self.backoff_most:
            raise ValueError(
                f"ibkr.backoff_first is {self.backoff_first:g}, expected at most backoff_most "
                f"{self.backoff_most:g}"
            )
        return self
