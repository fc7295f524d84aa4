"""Delayed chains over a real connection: what is right comes through, what is wrong says so."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.errors import ConfigError, DataError
from engine.options.contract import Product, Right
from engine.universe import load_universe
from feeds.delayed import barchart, cboe
from feeds.delayed.fetch import fetch
from feeds.delayed.snapshot import Snapshot
from feeds.delayed.sources import KEY, Addresses, delayed
from feeds.store.store import QuoteStore
from scripts.cli import main
from scripts.live.universe import ROW, reordered
from tests.feeds.delayed.conftest import CONFIG, QUICK, UNIVERSE, Answer, Vendor, body, document

SPX, SPY = UNIVERSE["SPX"], UNIVERSE["SPY"]
RECORDED = Path(__file__).parents[4] / "shared" / "data" / "cboe_delayed_quotes_rut_trimmed.json"


def ask(vendor: Vendor, folder: Path, product: Product = SPX) -> Snapshot:
    return delayed(product, ["cboe"], Addresses(vendor.url, vendor.url), QUICK, folder)


# Cboe ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [False, True])
def test_chain_comes_with_figures_of_our_own(vendor: Vendor, tmp_path: Path, zipped: bool) -> None:
    vendor.answers = [Answer(body(zipped=zipped), headers={"Content-Encoding": "gzip"} if zipped else {})]
    snapshot = ask(vendor, tmp_path)
    assert vendor.asked[0][0] == "/_SPX.json"
    assert f"{snapshot.at:%Y-%m-%d %H:%M %Z}" == "2024-01-19 15:30 EST"
    assert snapshot.expiries == [date(2024, 1, 19), date(2024, 1, 22)]
    chain = snapshot.chain(date(2024, 1, 19))
    assert chain.forward == pytest.approx(4700.5, abs=1e-9)
    assert len(chain.side(Right.PUT).strike) == 17
    assert chain.atm_iv() > 0 and np.isfinite(chain.delta).sum() > 20
    assert np.isnan(chain.bid).any(), "no bid is none, not nought"
    assert (snapshot.iv == 0.11).all(), "the vendor's own stay apart"


def test_class_that_settles_on_the_open_stays_out_of_the_chain(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answers = [Answer(body())]
    table = ask(vendor, tmp_path).table.to_pandas()
    assert set(table[table.am].root) == {"SPX"}
    assert set(table[~table.am].root) == {"SPXW"}


def test_share_is_asked_for_by_its_own_name(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answers = [Answer(status=404)]
    with pytest.raises(DataError, match="404"):
        ask(vendor, tmp_path, SPY)
    assert vendor.asked[0][0] == "/SPY.json"


def test_young_answer_is_kept_and_an_old_one_asked_for_by_its_mark(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answers = [Answer(body(), headers={"ETag": '"a"'}), Answer(status=304)]
    first = fetch("vendor", vendor.url, QUICK, folder=tmp_path)
    assert fetch("vendor", vendor.url, QUICK, folder=tmp_path) == first
    assert len(vendor.asked) == 1
    impatient = type(QUICK)(QUICK.timeout, QUICK.retries, 0.0)
    assert fetch("vendor", vendor.url, impatient, folder=tmp_path) == first
    assert vendor.asked[1][1]["if-none-match"] == '"a"'


@pytest.mark.parametrize(
    "trouble", [Answer(status=429, headers={"Retry-After": "0"}), Answer(status=503), Answer(wait=0.8)]
)
def test_passing_trouble_is_waited_out(vendor: Vendor, tmp_path: Path, trouble: Answer) -> None:
    vendor.answers = [trouble, Answer(body())]
    assert ask(vendor, tmp_path).spot == 4700.5
    assert len(vendor.asked) == 2


@pytest.mark.parametrize(
    ("answer", "words", "requests"),
    [
        (Answer(status=500), "answered 500, 3 times over", 3),
        (Answer(status=403), "refuses the request", 1),
        (Answer(status=418), "answered 418, expected 200", 1),
        (Answer(wait=0.8), "no answer within 0.5 seconds", 3),
        (Answer(b"<html>busy</html>"), "no JSON, it begins '<html>busy", 1),
        (Answer(body()[:500]), "no JSON", 1),
        (Answer(body()[:500], cut=True), "cannot be reached", 3),
        (Answer(b"{}"), "not in the known format", 1),
        (Answer(b"[1, 2]"), "not in the known format", 1),
        (Answer(body(lambda d: d["data"].update(options=[]))), "holds no options", 1),
        (Answer(body(lambda d: d["data"].update(symbol="^NDX"))), "is of NDX, expected SPX", 1),
        (Answer(body(lambda d: d["data"]["options"][3].update(option="SPXW"))), "option 4 is 'SPXW'", 1),
        (Answer(body(lambda d: d["data"]["options"][0].update(bid="x"))), "not in the known format", 1),
        (Answer(body(lambda d: d["data"].update(current_price=None))), "not in the known format", 1),
    ],
)
def test_lasting_trouble_is_one_line_and_keeps_the_vendor_in_peace(
    vendor: Vendor, tmp_path: Path, answer: Answer, words: str, requests: int
) -> None:
    vendor.answers = [answer]
    with pytest.raises(DataError) as caught:
        ask(vendor, tmp_path)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert len(vendor.asked) == requests


def test_document_too_large_is_refused(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feeds.delayed.fetch.MOST_BYTES", 1000)
    vendor.answers = [Answer(body())]
    with pytest.raises(DataError, match="sent more than"):
        ask(vendor, tmp_path)


def test_expiry_that_is_not_there_names_those_that_are(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answers = [Answer(body())]
    with pytest.raises(DataError, match="has no chain of it; it has 2024-01-19, 2024-01-22"):
        ask(vendor, tmp_path).chain(date(2024, 1, 23))


@pytest.mark.realdata
def test_recorded_document_is_read_and_agrees_with_cboes_own_volatility() -> None:
    if not RECORDED.is_file():
        pytest.skip(f"{RECORDED.name} is absent")
    product = Product("RUT", SPX.style, SPX.settlement, 100, 5.0, SPX.tick, "daily", "RUTW")
    snapshot = cboe.parse(RECORDED.read_bytes(), product)
    assert snapshot.spot == pytest.approx(1806.1193)
    assert len(snapshot.table) == 80
    chain = snapshot.chain(date(2023, 9, 22))
    own = {(k, c): v for k, c, v in zip(chain.strike, chain.call, chain.iv, strict=True)}
    table = snapshot.table.to_pandas()
    gaps = [
        own[(row.strike, row.call)] / iv - 1.0
        for row, iv in zip(table.itertuples(), snapshot.iv, strict=True)
        if row.expiry == date(2023, 9, 22) and iv > 0 and own.get((row.strike, row.call), 0) > 0
    ]
    assert len(gaps) > 10
    # Cboe counts calendar time, we sessions: the level differs, the shape does not
    assert np.std(gaps) < 0.12


# Barchart ------------------------------------------------------------------------------------


def barchart_body(**changes: object) -> bytes:
    rows = [
        {
            "underlying_symbol": "SPY", "type": right, "strike": strike, "expirationDate": "2024-01-19",
            "date": "2024-01-19T15:30:00-05:00", "bid": value - 0.02, "ask": value + 0.02, "bidSize": 3,
            "askSize": 4, "volatility": "11.5", "delta": 0.4, "openInterest": 10, "volume": None,
            "underlyingLastPrice": 470.0,
        }
        for strike in range(465, 476)
        for right, inner in (("Call", 470 - strike), ("Put", strike - 470))
        for value in (max(inner, 0) + 0.5,)
    ]  # fmt: skip
    return json.dumps({"status": {"code": 200, "message": "Success."}, "results": rows, **changes}).encode()


def test_barchart_takes_over_where_cboe_fails_and_its_key_stays_secret(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "sesame")
    vendor.answers = [Answer(status=404), Answer(barchart_body())]
    addresses = Addresses(vendor.url, vendor.url.replace("{symbol}", "options"))
    snapshot = delayed(SPY, ["cboe", "barchart"], addresses, QUICK, tmp_path)
    assert snapshot.source == barchart.NAME
    assert snapshot.iv[0] == pytest.approx(0.115)
    assert snapshot.chain(date(2024, 1, 19)).forward == pytest.approx(470.0)
    assert "apikey=sesame" in vendor.asked[1][0]
    assert not any("sesame" in path.name or b"sesame" in path.read_bytes() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (barchart_body(status={"code": 401, "message": "Invalid key"}), "Invalid key"),
        (barchart_body(results=[]), "has no options of SPY"),
        (b"nothing", "no JSON"),
        (b"{}", "not in the known format"),
    ],
)
def test_barchart_trouble_is_one_line_without_the_key(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str
) -> None:
    monkeypatch.setenv(KEY, "sesame")
    vendor.answers = [Answer(answer)]
    with pytest.raises(DataError) as caught:
        delayed(SPY, ["barchart"], Addresses("", vendor.url), QUICK, tmp_path)
    assert words in str(caught.value) and "sesame" not in str(caught.value)


def test_sources_without_key_or_name_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    with pytest.raises(ConfigError, match=KEY):
        delayed(SPY, ["barchart"], Addresses("", ""), QUICK, tmp_path)
    with pytest.raises(ConfigError, match="got 'yahoo'"):
        delayed(SPY, ["yahoo"], Addresses("", ""), QUICK, tmp_path)


# the command ---------------------------------------------------------------------------------


def test_command_prints_saves_and_speaks_json(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MW__DELAYED__CBOE_URL", vendor.url)
    vendor.answers = [Answer(body())]
    arguments = ["chain", "SPX", "--config", str(CONFIG)]
    assert main([*arguments, "--save", str(tmp_path / "store")]) == 0
    told = capsys.readouterr().out
    assert "Cboe delayed quotes" in told and "Not to be traded on" in told and "4700" in told
    store = QuoteStore.open(tmp_path / "store")
    assert len(store.read("SPX", date(2024, 1, 19))) == len(document()["data"]["options"])
    assert main([*arguments, "--json", "--days", "1"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["expiry"] == "2024-01-22" and made["forward"] == pytest.approx(4700.5)
    assert main(["chain", "NOPE", "--config", str(CONFIG)]) == 1


def test_universe_is_ranked_by_what_the_vendor_answers(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only SPX is known to this vendor: it goes to the front, with its volume and spread."""
    for name, value in (
        ("MW_CACHE", str(tmp_path / "cache")),
        ("MW__DELAYED__CBOE_URL", vendor.url),
        ("MW__DELAYED__RETRIES", "0"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    config, few = tmp_path / "config", ["SPY", "XSP", "SPX"]
    shutil.copytree(CONFIG, config)
    path = config / "universe.json"
    rows = ((line, ROW.match(line)) for line in path.read_text().splitlines())
    path.write_text("\n".join(line for line, row in rows if row is None or row["symbol"] in few))
    path.write_text(reordered(path, few))
    vendor.answers = [Answer(body())]
    assert main(["universe", "update", "--source", "delayed", "--json", "--config", str(config)]) == 0
    first, *others = json.loads(capsys.readouterr().out)
    options = document()["data"]["options"]
    assert (first["symbol"], first["volume"]) == ("SPX", 7.0 * len(options))
    assert 0.0 < first["spread"] < 1.0
    assert {one["source"] for one in others} == {"unknown"}
    assert list(load_universe(path)) == ["SPX", "SPY", "XSP"]
