"""What a recorded option quote is made of, on disk and on its way there."""

from __future__ import annotations

import pyarrow as pa

# One contract at one instant. ``stamp`` is when the quote was known, ``am`` says that the
# series settles on the open; prices are USD per share, null where there is none; a size
# of 0 is unknown.
QUOTES = pa.schema(
    [
        ("stamp", pa.timestamp("ns", "UTC")),
        ("expiry", pa.date32()),
        ("strike", pa.float64()),
        ("call", pa.bool_()),
        ("am", pa.bool_()),
        ("root", pa.string()),
        ("bid", pa.float64()),
        ("ask", pa.float64()),
        ("bid_size", pa.int32()),
        ("ask_size", pa.int32()),
        ("spot", pa.float64()),
        ("volume", pa.int64()),
        ("open_interest", pa.int64()),
    ]
)
# A row kept apart: why, and where it came from (rows count from 1 below the header).
REJECTED = pa.schema([*QUOTES, ("reason", pa.string()), ("file", pa.string()), ("row", pa.int64())])
KEY = ("expiry", "am", "call", "strike", "root", "stamp")
# calls stand before puts
ORDER = [(name, "descending" if name == "call" else "ascending") for name in KEY]
NONE_REJECTED = REJECTED.empty_table()
