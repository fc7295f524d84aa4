"""Error codes of TWS in words: what happened, and what to click."""

from __future__ import annotations

# What ends an attempt to connect at once, instead of after a timeout.
REFUSALS = frozenset({326, 501, 502, 503, 504, 507, 522, 1300})
UPSTREAM_LOST, RESTORED_EMPTY, RESTORED = 1100, 1101, 1102
NO_CONTRACT = 200
CANCELLED = 202
DUPLICATE_ID = 103

_WORDS = {
    100: "more than 50 messages in a second",
    103: "the order id was used before",
    105: "the change does not fit the order as the gateway knows it",
    110: "the price does not fit the contract's price steps",
    161: "the order is in no state to be cancelled",
    162: "history is refused",
    200: "no such contract",
    201: "the order is rejected",
    202: "the order is cancelled",
    321: "the request does not validate",
    326: "the client id is in use: another program is connected with it; end that one or set ibkr.client_id",
    354: "no market data subscription for it: subscribe, and share it with the paper user",
    420: "no permission for these bars: a live market data subscription is needed",
    434: "the order has no quantity",
    478: "the contract's fields do not fit its id",
    502: "nobody listens there",
    504: "not connected",
    507: "the gateway closed the connection",
    1100: "the gateway has lost IBKR",
    1101: "the gateway is back with IBKR, subscriptions are lost",
    1102: "the gateway is back with IBKR, nothing is lost",
    1300: "the gateway moved to another port",
    10089: "no market data subscription for it, delayed data is available",
    10147: "no such order to cancel",
    10148: "the order cannot be cancelled any more",
    10167: "no live subscription: delayed data comes instead",
    10187: "history is refused without a market data subscription",
    10197: "another session of this user takes the market data",
    10349: "the time in force was set from a preset",
}

API_OFF = (
    "in TWS: Configure, API, Settings: 'Enable ActiveX and Socket Clients' on, 'Read-Only API' off, "
    "the port as here, 127.0.0.1 among the trusted addresses"
)


# About an order, and no sign that it is dead (10349 is the one the libraries stumble over).
_INFORMS = frozenset({399, 404, 10349, 10167, 2109})
# An order that came with one of these was never accepted, if it is not open.
_REFUSES = frozenset({103, 110, 200, 201, 203, 320, 321, 387, 388, 434, 435, 478, 10052, 10058, 10268})


def informs(code: int) -> bool:
    """Tell whether an error about an order says nothing about its life."""
    return code in _INFORMS or 2100 <= code < 2200


def refuses(code: int) -> bool:
    """Tell whether an error about an order means that it was not accepted."""
    return code in _REFUSES


def explain(code: int, text: str) -> str:
    """Return one line about an error: what it means, code and TWS's own words."""
    words = _WORDS.get(code)
    told = f"error {code}: {' '.join(text.split())}"
    return f"{words} ({told})" if words else told
