"""The house stands: metadata, locks, rooms and their arrows, no trace of a particular machine."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, entry_points, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SETS = ("ml", "dashboard", "serve", "postgres", "cluster", "search", "docs", "dev")
CORE = "backtrader ib_insync pandas numpy matplotlib pyyaml loguru".split()
HEAVY = (
    "mkdocs-material streamlit scikit-learn skops distributed fastapi optuna psycopg pytest quantlib vollib "
    "torch"
).split()
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^ ;\\]+)(?P<rest>.*)$")


@pytest.fixture(scope="module")
def setup_cfg(root: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(root / "setup.cfg")
    return parser


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[Path]:
    """The files git knows; in a tree without git, all that is no cache."""
    if (root / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        return [root / name for name in listed if (root / name).is_file()]
    return [p for p in root.rglob("*") if p.is_file() and not any(part.startswith(".") for part in p.parts)]


def wanted(text: str) -> dict[str, Requirement]:
    rows = [Requirement(line) for line in text.strip().splitlines()]
    return {canonicalize_name(row.name): row for row in rows}


def locked(path: Path) -> dict[str, list[str]]:
    """Return the pinned versions of every package in a lock file."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        pin = PIN.match(line)
        if pin:
            found.setdefault(canonicalize_name(pin["name"]), []).append(pin["version"])
    return found


def test_extras_hold_everything_heavy_and_the_base_nothing_of_it(
    setup_cfg: configparser.ConfigParser,
) -> None:
    assert sorted(setup_cfg["options.extras_require"]) == sorted(SETS)
    base = wanted(setup_cfg["options"]["install_requires"])
    assert {canonicalize_name(name) for name in CORE} <= set(base)
    assert not set(base) & set(HEAVY)
    assert setup_cfg["options"]["python_requires"] == ">=3.11,<3.14"
    assert setup_cfg["metadata"]["license"] == "GPL-3.0-or-later"


def test_pyproject_holds_the_build_system_and_nothing_setup_cfg_could_hold(root: Path) -> None:
    content = tomllib.loads((root / "pyproject.toml").read_text())
    assert sorted(content) == ["build-system", "tool"]
    assert sorted(content["tool"]) == ["ruff"]


@pytest.mark.parametrize("name", ["base", *SETS])
def test_lock_satisfies_setup_cfg_and_every_pin_has_a_hash(
    name: str, root: Path, setup_cfg: configparser.ConfigParser
) -> None:
    path = root / "requirements" / f"{name}.txt"
    pins = locked(path)
    asked = wanted(setup_cfg["options"]["install_requires"])
    if name != "base":
        asked |= wanted(setup_cfg["options.extras_require"][name])
    for extra in asked.pop("market-watch", Requirement("none")).extras:
        asked |= wanted(setup_cfg["options.extras_require"][extra])
    for package, requirement in asked.items():
        assert package in pins, f"{package} is not in {path.name}"
        for version in pins[package]:
            assert requirement.specifier.contains(version, prereleases=True), (package, version)
    blocks = re.split(r"\n(?=[A-Za-z0-9])", path.read_text())
    for block in blocks:
        if PIN.match(block.splitlines()[0]):
            assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("name", SETS)
def test_every_set_shares_the_versions_of_the_base(name: str, root: Path) -> None:
    base, other = (locked(root / "requirements" / f"{each}.txt") for each in ("base", name))
    assert {package: other.get(package) for package in base} == base


def test_build_tool_is_locked_and_the_same_everywhere(root: Path) -> None:
    (build,) = locked(root / "requirements" / "build.txt")["setuptools"]
    assert locked(root / "requirements" / "base.txt")["setuptools"] == [build]


def test_no_tracked_file_names_a_registry_or_this_machine(root: Path, tracked: list[Path]) -> None:
    here = "|".join(
        re.escape(f"{place}/") for place in {str(root.parent), str(Path.home())} if len(place) > 3
    )
    registry = r"https?://[^\s\"']*(?:pypi|pythonhosted|/simple\b)|--(?:extra-)?index-url|--find-links|\bresolved\b.*http"
    pattern = re.compile(rf"(?<![\w./-])(?:{here})|{registry}" if here else registry)
    this = Path(__file__).resolve()
    found = []
    for path in tracked:
        if path.resolve() == this or path.stat().st_size > 2_000_000:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(root)}: {hit.group()}" for hit in pattern.finditer(text)]
    assert found == []


def test_installed_command_is_the_one_of_setup_cfg(setup_cfg: configparser.ConfigParser) -> None:
    (command,) = setup_cfg["options.entry_points"]["console_scripts"].strip().splitlines()
    assert command == "mw = scripts.cli:main"
    try:
        requires("market-watch")
    except PackageNotFoundError:
        pytest.skip("the project is not installed here, only on the path")
    (found,) = entry_points(group="console_scripts", name="mw")
    assert callable(found.load())


def test_make_offers_the_promised_targets_and_ci_runs_the_tests(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    for target in ("backtest", "test", "lock", "format", "lint", "type", "help"):
        assert re.search(rf"^{target}:.*## ", makefile, re.M), target
    recipe = makefile.split("\ntest:")[1].split("\n\n")[0].strip().splitlines()
    assert "pytest" in recipe[-1]
    script = root / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().strip().splitlines()[-1] == "make test"


def test_every_module_of_the_engine_has_its_place_among_the_layers(
    root: Path, setup_cfg: configparser.ConfigParser
) -> None:
    shared = {"errors", "reasons", "record", "bars", "tape", "intent"}  # the words every room speaks
    layers = setup_cfg["importlinter:contract:ground-floor"]["layers"]
    placed = set(re.findall(r"[a-z_]+", layers))
    rooms = {path.stem for path in (root / "engine").glob("*.py")} | {
        path.parent.name for path in (root / "engine").glob("*/__init__.py")
    }
    assert rooms - {"__init__"} - shared <= placed


def test_rooms_import_only_downwards(root: Path, setup_cfg: configparser.ConfigParser) -> None:
    layers = [
        line.strip() for line in setup_cfg["importlinter:contract:rooms"]["layers"].strip().splitlines()
    ]
    assert layers == ["scripts", "strategies | feeds | analyzers", "engine"]
    assert {p.name for p in root.iterdir() if (p / "__init__.py").exists()} - {"tests"} == {
        "scripts",
        "strategies",
        "feeds",
        "analyzers",
        "engine",
    }


def test_importing_the_command_line_loads_no_heavy_package(root: Path) -> None:
    heavy = {"pandas", "numpy", "numba", "backtrader", "matplotlib", "scipy", "arch"}
    probe = f"import sys, scripts.cli; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", probe], cwd=root, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("command", "spared"),
    [
        ("show-config", "pandas numba backtrader matplotlib scipy sqlalchemy"),
        ("status", "pandas numba backtrader matplotlib scipy sqlalchemy"),
        ("doctor", "pandas numba backtrader matplotlib scipy"),
        ("gate", "pandas numba backtrader matplotlib scipy"),
        ("db check --database journal/gate.db", "numba backtrader matplotlib scipy"),
    ],
)
def test_command_that_only_looks_loads_no_package_it_does_without(
    command: str, spared: str, root: Path, tmp_path: Path
) -> None:
    probe = "import sys; from scripts.cli import main; code = main(sys.argv[1:]); "
    probe += "print(code, *sys.modules, file=sys.stderr)"

    def run(*words: str) -> list[str]:
        told = subprocess.run(
            [sys.executable, "-c", probe, *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=True,
        )
        return told.stderr.splitlines()[-1].split()

    if "gate" in command:
        assert run("gate", "register")[0] == "0"
    code, *modules = run(*command.split())
    assert code == "0"
    assert not set(spared.split()) & set(modules)


def test_settings_files_travel_with_the_package(
    setup_cfg: configparser.ConfigParser, root: Path, tracked: list[Path]
) -> None:
    patterns = setup_cfg["options.package_data"]["*"].split(", ")
    assert "config*" in setup_cfg["options.packages.find"]["include"].split()
    for path in tracked:
        if path.is_relative_to(root / "config"):
            assert any(path.match(pattern) for pattern in patterns), path.name


def test_no_file_is_a_hall_and_no_function_a_corridor(root: Path, tracked: list[Path]) -> None:
    frozen = root / "engine" / "journal" / "migrations" / "versions"  # tables as they were once: never edited
    for path in tracked:
        if path.suffix != ".py" or path.is_relative_to(frozen):
            continue
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 500, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                assert node.end_lineno - node.lineno < 80, f"{path}: {node.name}"


def test_every_package_says_what_lives_there(tracked: list[Path]) -> None:
    found = [path for path in tracked if path.name == "__init__.py"]
    assert len(found) > 40
    for path in found:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
