"""Every page as Streamlit runs it, without a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.journal import secrets
from scripts.board.pages import PAGES
from tests.board.makers import written

app_test = pytest.importorskip("streamlit.testing.v1", reason="Streamlit is not installed")


def shown(root: Path, monkeypatch: pytest.MonkeyPatch, journals: dict[str, str], page: str = "Now") -> Any:
    monkeypatch.setenv("MW_DASHBOARD_JOURNALS", json.dumps(journals))
    app = app_test.AppTest.from_file(str(root / "scripts" / "dashboard.py"), default_timeout=60)
    app.session_state["page"] = page
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("page", list(PAGES))
def test_page_shows_without_an_error(
    page: str, root: Path, monkeypatch: pytest.MonkeyPatch, paper: tuple[str, dict[str, Any]]
) -> None:
    app = shown(root, monkeypatch, {"paper": paper[0]}, page)
    expected = 1 if page == "Now" else 0  # the session of the past is late, and said to be
    assert len(app.error) == expected


def test_figures_are_those_of_the_journal(
    root: Path, monkeypatch: pytest.MonkeyPatch, paper: tuple[str, dict[str, Any]]
) -> None:
    place, put = paper
    now = {one.label: one.value for one in shown(root, monkeypatch, {"paper": place}).metric}
    assert now == {
        "Equity": f"{put['equity']:,.2f}",
        "Closed today": "−18.75",
        "Open now": "4.50",
        "Day budget left": "118.85",
        "buywrite budget left": "1,500.00",
    }
    results = {one.label: one.value for one in shown(root, monkeypatch, {"paper": place}, "Results").metric}
    assert results["Net"] == f"{sum(put['net']):,.2f}"
    assert results["Fees"] == f"{2.5 * put['trades']:,.2f}"


def test_no_journal_says_what_to_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = shown(root, monkeypatch, {})
    assert "mw backtest --journal" in app.info[0].value


def test_journal_that_is_gone_is_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = shown(root, monkeypatch, {"paper": str(tmp_path / "gone.db")})
    assert "no such file" in app.error[0].value


@pytest.mark.parametrize("page", list(PAGES))
def test_two_journals_can_be_chosen_from(
    page: str, root: Path, monkeypatch: pytest.MonkeyPatch, paper: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    other = str(tmp_path / "backtest.db")
    written(other, "backtest", days=1, ended=True, kind="backtest")
    app = shown(root, monkeypatch, {"backtest": other, "paper": paper[0]}, page)
    assert app.segmented_control[0].options == ["backtest", "paper"]
    assert not app.error


@pytest.mark.parametrize("page", list(PAGES))
def test_planted_secret_is_on_no_page(
    page: str, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret, account = "123456:planted-token-of-a-bot", "DU7654321"
    monkeypatch.setenv("MW_TELEGRAM_TOKEN", secret)
    secrets.load()
    place = str(tmp_path / "paper.db")
    written(place, said=f"{secret} and {account}")
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "session.log").write_text(f"connecting with {secret} to {account}\n")
    event = {"at": "2026-11-24T15:00:00Z", "event": "note", "text": f"{secret} {account}"}
    (logs / "trades.log").write_text(json.dumps(event) + "\n")
    monkeypatch.setenv("MW_DASHBOARD_LOGS", str(logs))
    app = shown(root, monkeypatch, {"paper": place}, page)
    told = " ".join(
        [*(one.value for one in (*app.markdown, *app.code, *app.caption, *app.error)),
         *(one.value.to_csv() for one in app.dataframe)]
    )  # fmt: skip
    assert told
    assert secret not in told and account not in told
