"""``mw model``: what models say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from analyzers.report.sections import Section, print_sections
from analyzers.report.words import count, interval, ratio, usd
from engine.ml.store import About, about
from scripts.told import print_json, rows_of


def show(files: Sequence[Path], as_json: bool = False) -> None:
    """Print models side by side, or as JSON.

    Raises
    ------
    DataError
        A file is no model, or was changed.
    """
    held = [about(path) for path in files]
    columns = tuple(path.stem for path in files)
    told = [_told(one) for one in held]
    rows = tuple((name, tuple(one[name] for one in told)) for name in told[0])
    text = (
        "Proof: the models of the walk-forward, on days they had not seen. The file's own model saw all days."
    )
    sections = [Section("Models", text, columns, rows), _features(held, columns)]
    if as_json:
        print_json([rows_of(section) for section in sections])
    else:
        print_sections(Console(), sections)


def _told(one: About) -> dict[str, str]:
    proof = one.proof
    low, high = proof["gain"][1:]
    _, low_trade, high_trade = proof["uplift_a_trade"]
    return {
        "bot": one.bot,
        "kind": one.kind,
        "trained on": f"{one.trained[0]} to {one.trained[1]}",
        "candidates": count(one.cases),
        "a win, a loss, USD": f"{usd(one.win)}, {usd(-one.loss)}",
        "chance needed for none": ratio(one.loss / (one.win + one.loss)),
        "made with": ", ".join(f"{name} {version}" for name, version in one.versions.items()),
        "settings": one.settings_digest[:12],
        "sha256": one.sha256[:12],
        "tested on": " to ".join(proof["tested"]),
        "Brier score, base rate's": f"{ratio(proof['brier'], 4)}, {ratio(proof['base_brier'], 4)}",
        "  gain, 95 % interval": f"{ratio(low, 4)} to {ratio(high, 4)}",
        "slope": ratio(proof["slope"]),
        "better half, USD a trade": usd(proof["uplift_a_trade"][0]),
        "  95 % interval": interval(low_trade, high_trade),
        "trades kept by expected value": f"{count(proof['value_trades'])} of {count(proof['rules_trades'])}",
    }


def _features(held: Sequence[About], columns: tuple[str, ...]) -> Section:
    known = {feature.name: feature for one in held for feature in one.features}
    rows = tuple(
        (
            f"{feature.text} ({feature.unit})",
            tuple("yes" if feature in one.features else "no" for one in held),
        )
        for feature in known.values()
    )
    return Section("Features", "In the order in which a model takes them.", columns, rows, "Feature")
