"""Vendors' files: good rows come in, bad rows are kept apart, bad files change nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feeds.store.store import QuoteStore
from scripts.cli import main
from tests.feeds.recorded.conftest import CONFIG

DATASHOP = ["--symbol", "SPX", "--preset", "datashop", "--config", str(CONFIG)]


def vendor(rows: int = 12) -> pd.DataFrame:
    """Cboe DataShop's columns: two minutes of three strikes, calls and puts."""
    made = [
        {
            "underlying_symbol": "^SPX", "quote_datetime": f"2024-01-19 10:{minute:02d}:00", "root": "SPXW",
            "expiration": "2024-01-19", "strike": strike, "option_type": right, "bid_size": 3, "bid": 5.1,
            "ask_size": 4, "ask": 5.4, "active_underlying_price": 4790.5, "trade_volume": 9,
        }
        for minute in (31, 32)
        for strike in (4785.0, 4790.0, 4795.0)
        for right in "CP"
    ]  # fmt: skip
    return pd.DataFrame(made[:rows])


def put(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


def bring(store: Path, *files: Path, extra: tuple[str, ...] = ()) -> int:
    return main(["data", "import", *map(str, files), "--store", str(store), *DATASHOP, *extra])


def content(store: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}


def test_good_file_comes_in_and_is_remembered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(vendor(), tmp_path / "a.csv")
    assert bring(tmp_path / "store", path) == 0
    held = QuoteStore.open(tmp_path / "store")
    (day,) = held.days("SPX")
    quotes = held.day("SPX", day)
    assert quotes.bid.shape == (2, 6)
    assert str(pd.Timestamp(quotes.stamp[0], tz="UTC")) == "2024-01-19 15:31:00+00:00"
    assert (quotes.bid == 5.1).all() and (quotes.ask == 5.4).all() and not quotes.am.any()
    (told,) = held.imports()
    assert told["files"][0]["kept"] == 12 and len(told["files"][0]["sha256"]) == 64
    before = content(tmp_path / "store")
    assert bring(tmp_path / "store", path) == 0, "again"
    after = content(tmp_path / "store")
    assert {p: b for p, b in after.items() if p.suffix == ".parquet"} == {
        p: b for p, b in before.items() if p.suffix == ".parquet"
    }
    capsys.readouterr()


@pytest.mark.parametrize("kind", ["csv.gz", "parquet"])
def test_packed_and_parquet_files_are_the_same(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        vendor().to_parquet(path)
    else:
        path.write_bytes(gzip.compress(vendor().to_csv(index=False).encode()))
    assert bring(tmp_path / "store", path, put(vendor(3), tmp_path / "part.csv")) == 0
    assert bring(tmp_path / "other", put(vendor(), tmp_path / "b.csv")) == 0
    one, other = (
        QuoteStore.open(tmp_path / name).read("SPX", pd.Timestamp("2024-01-19").date())
        for name in ("store", "other")
    )
    assert one.equals(other)
    capsys.readouterr()


def test_class_that_settles_on_the_open_is_known_by_its_root(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = vendor()
    table.loc[table.strike == 4785.0, "root"] = "SPX"
    assert bring(tmp_path / "store", put(table, tmp_path / "a.csv")) == 0
    held = QuoteStore.open(tmp_path / "store")
    quotes = held.day("SPX", held.days("SPX")[0])
    assert set(quotes.strike[quotes.am]) == {4785.0}
    capsys.readouterr()


BAD_ROWS: dict[str, tuple[str, float | str, str]] = {
    "crossed": ("bid", 6.0, "bid above ask"),
    "negative": ("bid", -1.0, "price is no number above zero"),
    "infinite": ("ask", np.inf, "price is no number above zero"),
    "no strike": ("strike", np.nan, "strike is no positive number"),
    "nought strike": ("strike", 0.0, "strike is no positive number"),
    "right": ("option_type", "X", "neither call nor put"),
    "foreign": ("root", "SPY", "of another underlying"),
    "expired": ("expiration", "2024-01-18", "expired before the quote"),
    "holiday": ("expiration", "2024-12-25", "expiry is no trading day"),
    "weekend": ("expiration", "2024-01-20", "expiry is no trading day"),
    "no expiry": ("expiration", "soon", "no expiry"),
    "night": ("quote_datetime", "2024-01-19 03:00:00", "outside the session"),
    "after close": ("quote_datetime", "2024-01-19 16:20:00", "outside the session"),
    "sunday": ("quote_datetime", "2024-01-21 10:31:00", "outside the session"),
    "no time": ("quote_datetime", "early", "no time"),
}


@pytest.mark.parametrize("name", list(BAD_ROWS))
def test_bad_row_is_kept_apart_with_its_reason_and_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    column, value, reason = BAD_ROWS[name]
    table = vendor().astype({column: object})
    table.loc[4, column] = value
    assert bring(tmp_path / "store", put(table, tmp_path / "a.csv"), extra=("--json",)) == 0
    told = json.loads(capsys.readouterr().out)["files"][0]
    assert (told["kept"], told["rejected"]) == (11, {reason: 1})
    held = QuoteStore.open(tmp_path / "store")
    apart = [
        row
        for path in (tmp_path / "store").rglob("rejected.parquet")
        for row in pd.read_parquet(path, columns=["reason", "file", "row"], partitioning=None).to_dict(
            "records"
        )
    ]
    if name != "no time":  # without one there is no day to keep it with; the report counts it
        assert apart == [{"reason": reason, "file": "a.csv", "row": 5}]
    assert len(held.read("SPX", pd.Timestamp("2024-01-19").date())) == 11


def test_one_sided_rows_are_kept_and_duplicates_are_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.concat([vendor(), vendor().iloc[[2]]], ignore_index=True)
    table.loc[0, "bid"] = 0.0
    assert bring(tmp_path / "store", put(table, tmp_path / "a.csv"), extra=("--json",)) == 0
    told = json.loads(capsys.readouterr().out)["files"][0]
    assert told["one_sided"] == 1
    assert told["rejected"] == {"the contract and time stand above": 1}


def shifted(hours: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        table = vendor()
        table["quote_datetime"] = (pd.to_datetime(table.quote_datetime) + pd.Timedelta(hours=hours)).astype(
            str
        )
        put(table, path)

    return make


def swapped(path: Path) -> None:
    put(vendor().rename(columns={"bid": "ask", "ask": "bid"}), path)


def without(column: str) -> Callable[[Path], object]:
    return lambda path: put(vendor().drop(columns=column), path)


def text(words: str | bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(words if isinstance(words, bytes) else words.encode())


def mixed(path: Path) -> None:
    table = vendor()
    table["quote_datetime"] = [
        f"{at}{'-05:00' if n % 2 else '+01:00'}" for n, at in enumerate(table.quote_datetime)
    ]
    put(table, path)


HEAD = ",".join(vendor().columns) + "\n"
WHOLE = vendor().to_csv(index=False)


def minutes(first: str, count: int, root: str = "SPXW") -> pd.DataFrame:
    """Two strikes a minute whose calls less puts fall as parity has it."""
    times = pd.date_range(first, periods=count, freq="1min").strftime("%Y-%m-%d %H:%M:%S")
    table = vendor(4).assign(root=root)
    mid = 10.0 - (table.strike - 4785.0) * (table.option_type == "C")
    table = table.assign(bid=mid - 0.1, ask=mid + 0.1)
    return pd.concat([table.assign(quote_datetime=time) for time in times], ignore_index=True)


def test_two_strikes_judge_units_over_their_minutes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = minutes("2024-01-19 09:31", 12)
    assert bring(tmp_path / "store", put(good, tmp_path / "a.csv")) == 0
    flipped = good.assign(option_type=good.option_type.map({"C": "P", "P": "C"}))
    for told, bad in (
        ("by 1 for a dollar", flipped),
        ("by -0.001 for a dollar", good.assign(strike=1000 * good.strike)),
    ):
        capsys.readouterr()
        assert bring(tmp_path / "other", put(bad, tmp_path / "b.csv")) == 2
        assert told in capsys.readouterr().err


@pytest.mark.parametrize("hour", ["08:31", "10:31"])
def test_whole_days_an_hour_aside_are_another_zones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hour: str
) -> None:
    path = put(minutes(f"2024-01-19 {hour}", 390), tmp_path / "a.csv")
    assert bring(tmp_path / "store", path) == 2
    told = capsys.readouterr().err
    assert f"the first from 2024-01-19 {hour}:00 New York" in told
    assert "expected another zone than America/New_York" in told


def test_a_file_of_another_underlying_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = put(minutes("2024-01-19 09:31", 2, "RUTW"), tmp_path / "a.csv")
    assert bring(tmp_path / "store", path) == 2
    assert "100% of the rows are of RUTW; expected those of SPX" in capsys.readouterr().err


BAD_FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "empty": ("csv", text(""), "cannot be read as a table"),
    "header only": ("csv", text(HEAD), "the table is empty"),
    "semicolons": ("csv", text(WHOLE.replace(",", ";")), "is the delimiter right"),
    "tabs": ("csv", text(WHOLE.replace(",", "\t")), "is the delimiter right"),
    "a page": ("csv", text("<html><body>busy</body></html>"), "is the delimiter right"),
    "no words": ("csv", text(bytes(range(256)) * 20), "cannot be read as a table"),
    "ragged": ("csv", text(WHOLE + "1,2,3" + ",4" * 30 + "\n"), "cannot be read as a table"),
    "eight hours east": ("csv", shifted(8), "expected another zone"),
    "five hours west": ("csv", shifted(-5), "expected another zone"),
    "half a day": ("csv", shifted(12), "expected another zone"),
    "weekend": ("csv", shifted(24), "expected another zone"),
    "swapped": ("csv", swapped, "are they swapped"),
    "mixed offsets": ("csv", mixed, "mix offsets"),
    "no stamps": ("csv", text(WHOLE.replace("2024-01-19 10:", "at ")), "no stamp can be read"),
    "ending": ("doc", text(WHOLE), "expected a file ending in"),
    "zip": ("zip", text(b"PK\x03\x04"), "cannot be read as a table"),
    "no gzip": ("csv.gz", text(WHOLE), "cannot be read as a table"),
    "cut gzip": ("csv.gz", text(gzip.compress(WHOLE.encode())[:-12]), "cannot be read as a table"),
    "pipes": ("csv", text(WHOLE.replace(",", "|")), "is the delimiter right"),
    "spaces": ("csv", text(WHOLE.replace(",", "   ")), "is the delimiter right"),
    "json": ("csv", text(vendor().to_json()), "is the delimiter right"),
    "utf-16": ("csv", text(WHOLE.encode("utf-16")), "cannot be read as a table"),
    "latin letters": (
        "csv",
        text(WHOLE.replace("SPXW", "SPX\xe9").encode("latin-1")),
        "cannot be read as a table",
    ),
    "unclosed quote": ("csv", text(WHOLE.replace("SPXW", '"SPXW', 1)), "cannot be read as a table"),
    "cut in the header": ("csv", text(HEAD[:30]), "the table is empty|is the delimiter right|no column"),
    "no header": ("csv", text(WHOLE.partition("\n")[2]), "no column"),
    "capitals": ("csv", text(WHOLE.replace("quote_datetime", "QUOTE_DATETIME")), "no column"),
    "a photograph": ("csv", text(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9), "cannot be read as a table"),
    "six hours east": ("csv", shifted(6), "expected another zone"),
    "eight hours west": ("csv", shifted(-8), "expected another zone"),
    "holiday": ("csv", shifted(24 * -4), "expected another zone"),
    "numbers for stamps": (
        "csv",
        text(WHOLE.replace("2024-01-19 10:31:00", "x").replace("2024-01-19 10:32:00", "y")),
        "no stamp can be read",
    ),
    "empty gzip": ("csv.gz", text(gzip.compress(b"")), "cannot be read as a table"),
    "gzip of a page": (
        "csv.gz",
        text(gzip.compress(b"<html></html>")),
        "is the delimiter right|the table is empty|no column",
    ),
    "empty parquet": ("parquet", lambda path: vendor().iloc[:0].to_parquet(path), "the table is empty"),
    "parquet of others": ("parquet", lambda path: vendor()[["root"]].to_parquet(path), "no column"),
    "no bytes": ("parquet", text(b""), "cannot be read as a table"),
    "bomb": ("csv.gz", text(gzip.compress(b"0" * 60_000_000)), "which no quotes do"),
    "no parquet": ("parquet", text(WHOLE), "cannot be read as a table"),
    **{
        f"without {name}": ("csv", without(name), f"no column '{name}'")
        for name in (
            "quote_datetime",
            "expiration",
            "strike",
            "option_type",
            "bid",
            "ask",
            "root",
            "bid_size",
        )
    },
}


def cut_parquet(path: Path) -> None:
    vendor().to_parquet(path)
    path.write_bytes(path.read_bytes()[:-40])


BAD_FILES["cut parquet"] = ("parquet", cut_parquet, "cannot be read as a table")


@pytest.mark.parametrize("name", list(BAD_FILES))
def test_bad_file_is_one_line_and_leaves_the_store_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    ending, make, words = BAD_FILES[name]
    assert bring(tmp_path / "store", put(vendor(), tmp_path / "good.csv")) == 0
    before = content(tmp_path / "store")
    make(tmp_path / f"bad.{ending}")
    capsys.readouterr()
    other = vendor()
    other["quote_datetime"] = other.quote_datetime.str.replace("10:", "11:")
    fresh = put(other, tmp_path / "fresh.csv")
    assert bring(tmp_path / "store", fresh, tmp_path / f"bad.{ending}") in (1, 2)
    told = capsys.readouterr().err.strip()
    assert any(word in told for word in words.split("|")), told
    assert "bad." in told and told.startswith("mw: ") and "\n" not in told
    assert content(tmp_path / "store") == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "nobody"], "expected one of databento-opra-cbbo-1m, "),
        ([], "either --preset NAME or --columns FILE"),
        (["--columns", "{map}"], "columns names no 'stamp'"),
        (["--preset", "datashop", "--columns", "{map}"], "either --preset NAME or --columns FILE"),
    ],
)
def test_wrong_map_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (tmp_path / "map.yaml").write_text("{columns: {bid: b}, zone: UTC}")
    path = put(vendor(), tmp_path / "a.csv")
    given = [text.format(map=tmp_path / "map.yaml") for text in arguments]
    base = [
        "data",
        "import",
        str(path),
        "--store",
        str(tmp_path / "s"),
        "--symbol",
        "SPX",
        "--config",
        str(CONFIG),
    ]
    assert main([*base, *given]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_map_of_ones_own_moves_starts_to_ends_and_divides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "map.yaml").write_text(
        "{columns: {stamp: t, expiry: e, strike: k, right: r, bid: b, ask: a}, zone: America/Chicago, "
        "stamped: start, minutes: 5, calls: [call], puts: [put], strike_divisor: 1000, price_divisor: 100}"
    )
    (tmp_path / "a.csv").write_text("t,e,k,r,b,a\n2024-01-19T09:30,2024-01-19,4790000,call,510,540\n")
    base = ["data", "import", str(tmp_path / "a.csv"), "--store", str(tmp_path / "s"), "--symbol", "SPX"]
    assert main([*base, "--columns", str(tmp_path / "map.yaml"), "--config", str(CONFIG)]) == 0
    held = QuoteStore.open(tmp_path / "s")
    row = held.read("SPX", held.days("SPX")[0]).to_pylist()[0]
    assert (row["strike"], row["bid"], row["ask"]) == (4790.0, 5.1, 5.4)
    assert str(pd.Timestamp(row["stamp"]).tz_convert("America/New_York")) == "2024-01-19 10:35:00-05:00"
    capsys.readouterr()


def test_synthetic_quotes_come_in_and_the_store_speaks_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, store = tmp_path / "made", str(tmp_path / "store")
    span = ["--timerange", "20180201-20180205", "--strikes", "40", "--config", str(CONFIG)]
    assert main(["data", "synth-quotes", "SPX", "--out", str(made), *span]) == 0
    files = [str(path) for path in sorted(made.iterdir())]
    symbol = ["--symbol", "SPX", "--preset", "market-watch", "--config", str(CONFIG)]
    assert main(["data", "import", *files, "--store", store, *symbol]) == 0
    capsys.readouterr()
    assert main(["data", "check", store, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["days"], told["rows"], told["crossed"], told["kept_apart"]) == (3, 3 * 390 * 80, 0, 0)
    assert main(["data", "list", store, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["missing_sessions"] == 0
    assert main(["data", "info", store, "SPX", "--json"]) == 0
    assert [row["contracts"] for row in json.loads(capsys.readouterr().out)] == [80, 80, 80]
    assert main(["data", "info", store, "NDX"]) == 1
