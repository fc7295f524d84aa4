"""The dashboard in a real browser: wide and on a phone, light and dark."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.board.pages import PAGES

PATIENCE = 120_000  # milliseconds, for a busy machine
SIZES = {"wide": (1400, 1000), "phone": (390, 844)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_every_page_fits_and_shows_no_error(browser: Any, page_address: str, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(page_address)
    page.get_by_text("Day budget left", exact=True).wait_for()
    assert page.get_by_text("118.85").count() == 1
    for name in PAGES:
        page.get_by_role("radio", name=name, exact=True).click()
        page.wait_for_function(
            "() => !document.querySelector('[data-testid=stStatusWidget]')", timeout=60_000
        )
        page.wait_for_timeout(400)
        assert page.locator("[data-testid=stException]").count() == 0, name
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} pixels wider than the window"
        assert cut(page) == [], name
    assert troubles == []
    context.close()


def cut(page: Any) -> list[str]:
    """Return the labels and figures whose text is wider than its place."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(
              '[data-testid=stMetricValue] *, [data-testid=stMetricLabel] *, [role=radio] *')]
            .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
            .map(one => one.textContent)"""
    )
    return found


def test_page_refreshes_by_itself_without_losing_its_place(browser: Any, page_address: str) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(page_address)
    page.get_by_role("radio", name="Results", exact=True).click()
    page.get_by_text("Deepest fall", exact=True).wait_for()
    page.evaluate("document.querySelector('[data-testid=stMetric]').dataset.seen = 'yes'")
    page.wait_for_timeout(5_000)  # two refreshes
    assert page.locator("[data-testid=stMetric][data-seen=yes]").count() == 1
    assert page.get_by_text("Deepest fall", exact=True).count() == 1
    page.close()
