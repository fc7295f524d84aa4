"""A planted token, account number and database password come out nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.journal import redaction
from engine.journal.database import connect, open_journal, parse
from engine.journal.export import export
from engine.journal.recorder import Recorder
from engine.journal.redaction import HIDDEN, Redactor, secrets_of
from engine.journal.secrets import load
from engine.journal.trades_log import TradesLog
from tests.journal.events import decision, every_kind, run

TOKEN = "123456789:AAFplantedplantedplantedplantedpl_x"
ACCOUNT = "U7654321"
PASSWORD = "planted/p@ss:word"
QUOTED = "planted%2Fp%40ss%3Aword"
URL = f"postgresql://bot:{QUOTED}@db.example/journal?sslmode=require"
NOWHERE = URL.replace("db.example", "127.0.0.1:1")
PLANTED = (TOKEN, ACCOUNT, PASSWORD, QUOTED)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Redactor:
    """The environment with secrets in it, and the redactor that knows them."""
    variables = {"MW_TELEGRAM_TOKEN": TOKEN, "MW_IBKR_ACCOUNT": ACCOUNT, "MW_DATABASE_URL": URL}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    known = Redactor(secrets_of(os.environ))
    monkeypatch.setattr(redaction.REDACTOR, "_known", set(known._known))
    monkeypatch.setattr(redaction.REDACTOR, "_pattern", known._pattern)
    return known


def clean(content: str) -> bool:
    return not any(secret in content for secret in PLANTED)


def test_rows_of_every_table_and_lines_of_the_log_are_clean(
    place: str, tmp_path: Path, planted: Redactor
) -> None:
    text_of_all = f"{TOKEN} on {ACCOUNT} at {URL} with {PASSWORD}"
    told = run(command=f"mw paper --database {URL}", settings={"ibkr": {"account": ACCOUNT}},
               detail={"note": text_of_all})  # fmt: skip
    recorder = Recorder(open_journal(place, "paper"), told, planted)
    log = TradesLog(tmp_path / "trades.log", "one", planted)
    events = [decision(text=text_of_all, combo=text_of_all)]
    for event in every_kind():
        for name in ("text", "detail", "found", "done", "state", "source"):
            if hasattr(event, name) and type(event).__name__ != "GateEvent":
                secret = text_of_all if isinstance(getattr(event, name), str) else {"all": [text_of_all]}
                object.__setattr__(event, name, secret)
        events.append(event)
    for event in events:
        recorder.record(event)
        log.record(event)
    recorder.close()
    log.close()
    assert recorder.healthy
    engine = connect(place, read_only=True)
    export(engine, tmp_path / "out", "jsonl")
    engine.dispose()
    content = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert content.count(HIDDEN) > 20 and clean(content)
    assert clean((tmp_path / "trades.log").read_text())


@pytest.mark.parametrize(
    "arguments",
    [
        ["show-config"],
        ["db", "check"],
        ["db", "upgrade", "--database", NOWHERE],
        ["db", "check", "--database", f"mysql://bot:{QUOTED}@h/d"],
        ["alerts", "test", "-vv", "--logfile", "test.log"],
        ["backtest", "--timerange", "20180102-20180131", "--database", NOWHERE],
        [
            "backtest",
            "--timerange",
            "20180102-20180131",
            "--no-control",
            "--journal",
            "--database",
            "kept.db",
        ],
    ],
    ids=["show-config", "check", "upgrade", "mysql", "alerts", "backtest", "report"],
)
def test_command_says_nothing_of_them(arguments: list[str], tmp_path: Path, root: Path) -> None:
    variables = {
        "MW_TELEGRAM_TOKEN": TOKEN,
        "MW_TELEGRAM_CHAT": "1",
        "MW_ALERT_URLS": f"json://bot:{QUOTED}@127.0.0.1:1/",
        "MW_DATABASE_URL": NOWHERE,
        "MW__IBKR__ACCOUNT": ACCOUNT,
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "PYTHONPATH": str(root),
    }
    told = subprocess.run([sys.executable, "-m", "scripts.cli", *arguments], cwd=tmp_path, text=True,
                          env=os.environ | variables, capture_output=True, timeout=120)  # fmt: skip
    written = "".join(path.read_text(errors="ignore") for path in tmp_path.rglob("*") if path.is_file())
    assert told.stdout + told.stderr, "it said something"
    assert ("kept.db" in arguments) == bool(list(tmp_path.rglob("report.html")))
    assert clean(told.stdout + told.stderr + written)


def test_defect_keeps_its_traceback_without_them(tmp_path: Path, root: Path) -> None:
    body = f"""
        from engine.journal import logs
        from loguru import logger
        logs.start("DEBUG", "program.log")
        secret = {URL!r}
        try:
            raise ValueError("no answer from " + secret)
        except ValueError:
            logger.exception("while asking {{}}", {TOKEN!r})
        raise RuntimeError("defect at {ACCOUNT}")
    """
    variables = {"MW_DATABASE_URL": URL, "MW_TELEGRAM_TOKEN": TOKEN, "PYTHONPATH": str(root)}
    told = subprocess.run([sys.executable, "-c", textwrap.dedent(body)], cwd=tmp_path, text=True,
                          env=os.environ | variables, capture_output=True, timeout=60)  # fmt: skip
    assert told.returncode == 1
    log = (tmp_path / "program.log").read_text()
    assert "ValueError: no answer from postgresql://***@db.example" in log
    assert "RuntimeError: defect at ***" in told.stderr
    assert clean(told.stderr + log)


def test_error_of_the_database_names_the_place_without_its_password(
    fresh_database: Callable[[], str], planted: Redactor
) -> None:
    url = parse(fresh_database()).set(password=PASSWORD, username="nobody")
    with pytest.raises(Exception, match="cannot be opened") as caught:
        open_journal(url.render_as_string(hide_password=False), "paper")
    assert clean(str(caught.value)) and clean(repr(caught.value))


def test_secrets_of_the_file_are_known_and_give_way_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "MW_TELEGRAM_TOKEN=fromthefile\nMW_DISCORD_WEBHOOK='https://d/webhooks/1/abc'\n"
    )
    monkeypatch.setenv("MW_TELEGRAM_TOKEN", "fromtheenvironment")
    held = load(tmp_path)
    assert held["MW_TELEGRAM_TOKEN"] == "fromtheenvironment"
    assert (
        redaction.redact("say https://d/webhooks/1/abc and fromtheenvironment")
        == f"say {HIDDEN} and {HIDDEN}"
    )
    (tmp_path / ".env").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match=r"\.env: cannot be read \(UnicodeDecodeError\)"):
        load(tmp_path)


# Stars beside the stars that hide a secret would spell it again; of a URL only the password is secret.
words = st.text(min_size=4, max_size=30).filter(lambda text: "*" not in text and "://" not in text)


@given(secret=words, before=st.text(max_size=20), after=st.text(max_size=20))
@example(secret="postgres", before="", after="")
def test_secret_never_survives_wherever_it_stands(secret: str, before: str, after: str) -> None:
    struck = Redactor([secret])
    assert secret not in struck.text(before + secret + after)
    value = struck.value({"a": [before + secret], "b": {"c": secret}})
    assert secret not in value["a"][0] and secret not in value["b"]["c"]


@pytest.mark.parametrize("place", ["postgresql://db.example/market", "postgres://owner@db.example/market"])
def test_address_of_a_database_without_a_password_stays_readable(place: str) -> None:
    assert Redactor([place]).text(f"no answer from {place}") == f"no answer from {place}"
