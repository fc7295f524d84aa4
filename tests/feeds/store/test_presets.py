"""Every vendor's format comes in as the quotes it was made of, through one reader and the same checks."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from engine.errors import ConfigError
from feeds.store.columns import ColumnMap, preset
from feeds.store.store import QuoteStore
from scripts.cli import main
from tests.feeds.recorded.conftest import CONFIG
from tests.feeds.store.conftest import DAY, MONTHLY, PutQuotes
from tests.feeds.store.vendors import lean_members

KEYS = ["expiry", "am", "call", "strike", "root", "stamp"]
SIDES = ["bid", "ask", "bid_size", "ask_size"]
VENDORS = ["thetadata", "thetadata-v2", "databento-opra-cbbo-1m", "databento-opra-cbbo-1m-raw", "lean"]


def bring(store: Path, vendor: str, *files: Path) -> int:
    chosen = ["--symbol", "SPX", "--preset", vendor, "--config", str(CONFIG), "--json"]
    return main(["data", "import", *map(str, files), "--store", str(store), *chosen])


def held(store: Path) -> pd.DataFrame:
    table: pd.DataFrame = QuoteStore.open(store).read("SPX", DAY).to_pandas()
    return table.sort_values(KEYS, ignore_index=True)


def wanted(quotes: pd.DataFrame) -> pd.DataFrame:
    return quotes.sort_values(KEYS, ignore_index=True)


@pytest.mark.parametrize("vendor", VENDORS)
def test_quotes_written_as_the_vendor_does_come_back_equal(
    quotes: pd.DataFrame,
    put_quotes: PutQuotes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    vendor: str,
) -> None:
    assert bring(tmp_path / "s", vendor, put_quotes(vendor)) == 0
    told = json.loads(capsys.readouterr().out)["files"][0]
    assert (told["rows"], told["kept"], told["rejected"]) == (len(quotes), len(quotes), {})
    assert told["one_sided"] == int(quotes.bid.isna().sum()) > 0
    pd.testing.assert_frame_equal(held(tmp_path / "s")[[*KEYS, *SIDES]], wanted(quotes)[[*KEYS, *SIDES]])


def test_optionsdx_comes_back_equal_but_for_the_monthlies_whose_class_it_does_not_tell(
    quotes: pd.DataFrame, put_quotes: PutQuotes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring(tmp_path / "s", "optionsdx", put_quotes("optionsdx")) == 0
    told = json.loads(capsys.readouterr().out)["files"][0]
    monthly = "settles on the open or the close, the file does not say"
    silent = "neither bid nor ask"  # half of a row of a strike whose other half is quoted
    daily = quotes[quotes.expiry == DAY]
    assert told["kept"] == len(daily)
    assert set(told["rejected"]) <= {monthly, silent} and told["rejected"][monthly] == 200
    columns = [*(name for name in KEYS if name != "root"), *SIDES, "spot"]
    pd.testing.assert_frame_equal(held(tmp_path / "s")[columns], wanted(daily)[columns])
    apart = QuoteStore.open(tmp_path / "s").read("SPX", DAY, "rejected").to_pandas()
    kept_apart = apart[apart.reason == monthly]
    assert set(kept_apart.expiry) == {MONTHLY} and kept_apart.row.min() >= 1
    assert held(tmp_path / "s").volume.max() == 12


def test_monthly_expiry_of_optionsdx_moves_with_a_holiday(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["[QUOTE_READTIME], [UNDERLYING_LAST], [EXPIRE_DATE], [C_VOLUME], [C_SIZE], [C_BID], [C_ASK], "]
    lines[0] += "[STRIKE], [P_BID], [P_ASK], [P_SIZE], [P_VOLUME]"
    # Good Friday 2019-04-19; the Thursday before an ordinary third Friday; that Friday; the next
    for expiry in ("2019-04-18", "2019-05-16", "2019-05-17", "2019-05-24"):
        lines.append(f"2019-04-10 16:00, 2888.2, {expiry}, , 1 x 2, 30.1, 30.4, 2890.0, 29.0, 29.3, 3 x 4, 7")
    path = tmp_path / "spx_eod_201904.txt"
    path.write_text("\n".join(lines))
    assert bring(tmp_path / "s", "optionsdx", path) == 0
    store = QuoteStore.open(tmp_path / "s")
    (day,) = store.days("SPX")
    assert [str(expiry) for expiry in store.expiries("SPX", day)] == ["2019-05-16", "2019-05-24"]
    rows = store.read("SPX", day, "rejected").to_pylist()
    assert sorted((str(row["expiry"]), row["row"]) for row in rows) == [
        (when, at) for when, at in (("2019-04-18", 1), ("2019-05-17", 3)) for _ in "CP"
    ]
    capsys.readouterr()


@pytest.mark.parametrize("ending", ["csv.gz", "csv.zst", "zip"])
def test_packed_files_are_the_same(
    quotes: pd.DataFrame,
    put_quotes: PutQuotes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ending: str,
) -> None:
    plain = put_quotes("thetadata")
    path = tmp_path / f"packed.{ending}"
    if ending == "csv.gz":
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif ending == "csv.zst":
        path.write_bytes(pa.compress(plain.read_bytes(), "zstd", asbytes=True))
        with pa.CompressedOutputStream(str(path), "zstd") as out:
            out.write(plain.read_bytes())
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            text = plain.read_text().splitlines(keepends=True)
            archive.writestr("one.csv", "".join(text[:500]))
            archive.writestr("more/two.csv", "".join([text[0], *text[500:]]))
    assert bring(tmp_path / "s", "thetadata", path) == 0
    assert bring(tmp_path / "t", "thetadata", plain) == 0
    assert held(tmp_path / "s").equals(held(tmp_path / "t"))
    capsys.readouterr()


def test_databento_as_parquet_is_the_same(
    quotes: pd.DataFrame, put_quotes: PutQuotes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = pd.read_csv(put_quotes("databento-opra-cbbo-1m"))
    made["ts_recv"] = pd.to_datetime(made.ts_recv)
    made.set_index("ts_recv").to_parquet(tmp_path / "a.parquet")
    assert bring(tmp_path / "s", "databento-opra-cbbo-1m", tmp_path / "a.parquet") == 0
    pd.testing.assert_frame_equal(held(tmp_path / "s")[[*KEYS, *SIDES]], wanted(quotes)[[*KEYS, *SIDES]])
    capsys.readouterr()


def test_rejected_row_of_a_zip_is_named_with_its_member_and_place(
    quotes: pd.DataFrame, put_quotes: PutQuotes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = quotes.copy()
    at = rows.index[(rows.root == "SPXW") & rows.bid.notna()][7]
    rows.loc[at, ["bid", "ask"]] = [9.0, 3.0]
    assert bring(tmp_path / "s", "lean", put_quotes("lean", rows)) == 0
    (apart,) = QuoteStore.open(tmp_path / "s").read("SPX", DAY, "rejected").to_pylist()
    bad = rows.loc[at]
    right = "call" if bad.call else "put"
    assert apart["reason"] == "bid above ask" and apart["strike"] == bad.strike
    assert apart["file"] == (
        f"20180205_quote_european.zip/20180205_spxw_minute_quote_european_{right}_"
        f"{bad.strike * 10000:.0f}_20180205.csv"
    )
    same = rows[(rows.strike == bad.strike) & (rows.call == bad.call) & (rows.root == "SPXW")]
    assert apart["row"] == 1 + list(same.index).index(at)
    capsys.readouterr()


NAME = "20180205_spxw_minute_quote_european_call_27000000_20180205.csv"
GOOD = "34200000,1000,1000,1000,1000,5,1500,1500,1500,1500,5\n"


def zipped(path: Path, members: dict[str, str | bytes], kind: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, text in members.items():
            archive.writestr(name, text)


def patched(path: Path, old: bytes, new: bytes, times: int = -1) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, times))


def encrypted(path: Path) -> None:
    zipped(path, {NAME: GOOD})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[at + 8] |= 1
    path.write_bytes(bytes(content))


def wrong_sum(path: Path) -> None:
    zipped(path, {NAME: GOOD}, zipfile.ZIP_STORED)
    patched(path, GOOD.encode(), GOOD.replace("34200000", "34260000").encode())


def truncated(path: Path) -> None:
    zipped(path, {NAME: GOOD * 50})
    path.write_bytes(path.read_bytes()[:-30])


def unknown_method(path: Path) -> None:
    zipped(path, {NAME: GOOD}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[8], content[at + 10] = 99, 99
    path.write_bytes(bytes(content))


def twice(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr(NAME, GOOD)
        archive.writestr(NAME, GOOD)


BAD_ZIPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no member": (lambda path: zipped(path, {}), "holds no file"),
    "a folder alone": (lambda path: zipped(path, {"folder/": ""}), "holds no file"),
    "trades": (lambda path: zipped(path, {NAME.replace("quote", "trade"): GOOD}), "the name says not"),
    "another vendor": (lambda path: zipped(path, {"quotes.csv": GOOD}), "the name says not"),
    "good and bad names": (lambda path: zipped(path, {NAME: GOOD, "x.csv": GOOD}), "the name says not"),
    "bomb": (lambda path: zipped(path, {NAME: "0" * 10_000_000}), "which no quotes do"),
    "bomb in many": (
        lambda path: zipped(path, {NAME.replace("2700", f"{2700 + n}"): "0" * 1_000_000 for n in range(9)}),
        "which no quotes do",
    ),
    "too many members": (
        lambda path: zipped(path, {f"{n}.csv": "" for n in range(50_001)}, zipfile.ZIP_STORED),
        "holds 50,001 files",
    ),
    "zip in zip": (lambda path: zipped(path, {NAME.replace("csv", "zip"): b"PK"}), "is packed itself"),
    "gzip in zip": (lambda path: zipped(path, {f"{NAME}.gz": b"\x1f\x8b"}), "is packed itself"),
    "a program": (lambda path: zipped(path, {NAME: GOOD, "run.exe": "MZ"}), "is no table"),
    "absolute": (lambda path: zipped(path, {f"/etc/{NAME}": GOOD}), "leads out of the zip"),
    "upwards": (lambda path: zipped(path, {f"a/../../{NAME}": GOOD}), "leads out of the zip"),
    "backwards": (lambda path: zipped(path, {f"..\\{NAME}": GOOD}), "leads out of the zip"),
    "a drive": (lambda path: zipped(path, {f"C:\\{NAME}": GOOD}), "leads out of the zip"),
    "encrypted": (encrypted, "is encrypted"),
    "truncated": (truncated, "cannot be read as a table"),
    "wrong sum": (wrong_sum, "Bad CRC-32"),
    "unknown method": (unknown_method, "cannot be read as a table"),
    "twice": (twice, "two files of one name"),
    "empty member": (lambda path: zipped(path, {NAME: ""}), "cannot be read as a table"),
    "trade bars": (
        lambda path: zipped(path, {NAME: "34200000,1,1,1,1,5\n"}),
        "rows of 6 fields, expected 11",
    ),
    "no text": (lambda path: zipped(path, {NAME: bytes(range(256)) * 9}), "cannot be read as a table"),
    "no time": (lambda path: zipped(path, {NAME: GOOD.replace("34200000", "soon")}), "no stamp can be read"),
    "no day": (
        lambda path: zipped(path, {NAME.replace("20180205_spxw", "20181305_spxw"): GOOD}),
        "no stamp can be read",
    ),
    "no zip": (lambda path: path.write_text(GOOD), "cannot be read as a table"),
}


@pytest.mark.parametrize("name", list(BAD_ZIPS))
def test_bad_zip_is_one_line_and_leaves_the_store_as_it_was(
    quotes: pd.DataFrame, put_quotes: PutQuotes, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    make, words = BAD_ZIPS[name]
    assert bring(tmp_path / "s", "lean", put_quotes("lean", quotes[:100])) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    capsys.readouterr()
    path = tmp_path / "bad.zip"
    make(path)
    assert bring(tmp_path / "s", "lean", path) == 2
    told = capsys.readouterr().err.strip()
    assert words in told and "bad.zip" in told
    assert told.startswith("mw: ") and "\n" not in told
    assert {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()} == before


def swap(text: str, one: str, other: str) -> str:
    return text.replace(one, "\0").replace(other, one).replace("\0", other)


def pretty_times(text: str) -> str:
    table = pd.read_csv(io.StringIO(text))
    table["date"] = "2018-02-05"
    table["ms_of_day"] = pd.to_datetime(table.ms_of_day, unit="ms").dt.strftime("%H:%M:%S.000")
    return table.to_csv(index=False)


def raw_prices(text: str) -> str:
    table = pd.read_csv(io.StringIO(text))
    return table.assign(**{f"{side}_px_00": table[f"{side}_px_00"] * 1e9 for side in ("bid", "ask")}).to_csv(
        index=False
    )


BAD_TEXTS: dict[str, tuple[str, Callable[[str], str] | None, str]] = {
    "optionsdx: names without brackets": (
        "optionsdx",
        lambda text: text.replace("[", "").replace("]", ""),
        "no column",
    ),
    "optionsdx: another delimiter": ("optionsdx", lambda text: text.replace(",", ";"), "no column"),
    "optionsdx: calls and puts swapped": (
        "optionsdx",
        lambda text: swap(swap(text, "[C_BID]", "[P_BID]"), "[C_ASK]", "[P_ASK]"),
        "the words for call and put",
    ),
    "thetadata: version 2 strikes": (
        "thetadata",
        lambda text: text.replace(".000,CALL", "000,CALL").replace(".000,PUT", "000,PUT"),
        "the divisors of strikes and prices",
    ),
    "thetadata: rights swapped": (
        "thetadata",
        lambda text: swap(text, "CALL", "PUT"),
        "the words for call and put",
    ),
    "thetadata: expiries as numbers": (
        "thetadata",
        lambda text: text.replace("2018-02-05,", "20180205,").replace("2018-02-16,", "20180216,"),
        "no expiry can be read, the first is",
    ),
    "thetadata-v2: version 3's file": ("thetadata-v2", None, "no column 'date'"),
    "thetadata-v2: pretty times": ("thetadata-v2", pretty_times, "no stamp can be read"),
    "databento: raw read as pretty": ("databento-opra-cbbo-1m", None, "expected ISO 8601"),
    "databento: pretty read as raw": ("databento-opra-cbbo-1m-raw", None, "expected ns since 1970"),
    "databento: raw prices, pretty times": (
        "databento-opra-cbbo-1m",
        raw_prices,
        "the divisors of strikes and prices",
    ),
    "databento: no OSI symbols": (
        "databento-opra-cbbo-1m",
        lambda text: text.replace("SPXW  18", "SPXW-18").replace("SPX   18", "SPX-18"),
        "expected an OSI symbol",
    ),
    "databento: symbols not mapped": (
        "databento-opra-cbbo-1m",
        lambda text: text.replace(",symbol", ",instrument"),
        "no column 'symbol'",
    ),
}
OTHERS = {
    "thetadata-v2: version 3's file": "thetadata",
    "databento: raw read as pretty": "databento-opra-cbbo-1m-raw",
    "databento: pretty read as raw": "databento-opra-cbbo-1m",
}


@pytest.mark.parametrize("name", list(BAD_TEXTS))
def test_file_of_another_make_is_one_line_and_makes_nothing_of_it(
    quotes: pd.DataFrame, put_quotes: PutQuotes, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    vendor, change, words = BAD_TEXTS[name]
    rows = quotes[quotes.root == "SPXW"]
    path = put_quotes(OTHERS.get(name, vendor), rows)
    if change is not None:
        path.write_text(change(path.read_text()))
    assert bring(tmp_path / "s", vendor, path) == 2
    told = capsys.readouterr().err.strip()
    assert any(word in told for word in words.split("|")), told
    assert path.name in told and "\n" not in told
    assert not list((tmp_path / "s").rglob("*.parquet"))


def test_bomb_in_zstandard_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pa.CompressedOutputStream(str(tmp_path / "bomb.csv.zst"), "zstd") as out:
        for _ in range(60):
            out.write(b"0" * 1_000_000)
    assert bring(tmp_path / "s", "thetadata", tmp_path / "bomb.csv.zst") == 2
    assert "which no quotes do" in capsys.readouterr().err


def test_symbol_that_is_no_osi_symbol_is_kept_apart(
    quotes: pd.DataFrame, put_quotes: PutQuotes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = put_quotes("databento-opra-cbbo-1m")
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("SPXW  180205", "SPXW  181305")
    path.write_text("\n".join(lines))
    assert bring(tmp_path / "s", "databento-opra-cbbo-1m", path) == 0
    told = json.loads(capsys.readouterr().out)["files"][0]
    assert told["rejected"] == {"no expiry": 1} and told["kept"] == len(quotes) - 1


def test_files_across_the_change_of_clocks_keep_new_yorks_time(
    quotes: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["root,expiration,strike,right,ms_of_day,bid_size,bid,ask_size,ask,date"]
    days = ["20180309", "20180312"]
    for day in days:
        lines.append(f"SPXW,{day},2700000,C,{(9 * 60 + 31) * 60_000},5,4.1,6,4.3,{day}")
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert bring(tmp_path / "s", "thetadata-v2", tmp_path / "a.csv") == 0
    store = QuoteStore.open(tmp_path / "s")
    stamps = [str(pd.Timestamp(store.day("SPX", day).stamp[0], tz="UTC")) for day in store.days("SPX")]
    assert stamps == ["2018-03-09 14:31:00+00:00", "2018-03-12 13:31:00+00:00"]
    capsys.readouterr()


def test_every_shipped_map_is_whole_and_described(root: Path) -> None:
    page = (root / "docs" / "data.md").read_text()
    for path in sorted((CONFIG / "vendors").glob("*.yaml")):
        assert preset(CONFIG / "vendors", path.stem).given
        assert f"| `{path.stem}` |" in page


BAD_MAPS = {
    "{columns: {stamp: t, osi: s, bid: b}, zone: UTC}": "columns names no 'ask'",
    "{columns: {day: d, osi: s, bid: b, ask: a}, zone: UTC}": "columns names no 'milliseconds'",
    "{columns: {stamp: t, expiry: e, strike: k, right: r, bid: b, ask: a, iv: v}, zone: UTC}": "names 'iv'",
    "{columns: {stamp: t, expiry: e, strike: k}, calls_in: {bid: b, ask: a}, zone: UTC}": "puts_in names no",
    "{columns: {stamp: t, expiry: e, strike: k, right: r}, calls_in: {bid: b, ask: a}, "
    "puts_in: {bid: c, ask: d}, zone: UTC}": "although call and put stand in one row",
    "{columns: {stamp: t, osi: s, bid: b, ask: a}, name: '(', zone: UTC}": "expected a regular expression",
    "{columns: {stamp: t, osi: s, bid: b, ask: a}, header: [t, s, b], zone: UTC}": "header lists no 'a'",
    "{columns: {stamp: t, osi: s, bid: b, ask: a}, zone: Mars/Olympus}": "expected a name like",
    "{columns: {stamp: t, osi: s, bid: b, ask: a}, zone: UTC, stamp_unit: days}": "stamp_unit is 'days'",
    "{columns: {stamp: t, osi: s, bid: b, ask: a}, zone: UTC, stale_minutes: -1}": "stale_minutes is -1",
}


@pytest.mark.parametrize("text", list(BAD_MAPS))
def test_map_that_contradicts_itself_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="map.yaml") as raised:
        ColumnMap.load(path)
    assert BAD_MAPS[text] in str(raised.value) and "\n" not in str(raised.value)


def test_writer_of_the_tests_names_members_as_lean_does(quotes: pd.DataFrame) -> None:
    local = quotes.stamp.dt.tz_convert("America/New_York").dt.tz_localize(None) - pd.Timedelta("1min")
    names = lean_members(quotes, local, "20180205")
    assert all(len(name.split("_")) == 8 for name in names)
    assert np.all([line.count(",") == 10 for text in names.values() for line in text.splitlines()])
