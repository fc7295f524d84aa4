"""What a gateway does on each request, by the name of its message."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.gateway.client import Client
from engine.gateway.codec import Values
from engine.gateway.requests_account import ACCOUNT
from engine.gateway.requests_data import DATA
from engine.gateway.requests_orders import ORDERS
from engine.gateway.requests_reference import REFERENCE
from engine.gateway.venue import Venue

Handler = Callable[[Venue, Client, Values], None]
HANDLERS: Mapping[str, Handler] = REFERENCE | DATA | ACCOUNT | ORDERS
