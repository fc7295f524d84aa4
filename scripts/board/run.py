"""Start Streamlit on the dashboard, bound to this machine: ``python -m scripts.board.run PORT``."""

from __future__ import annotations

import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "dashboard.py"


def arguments(port: int) -> list[str]:
    """Return the command line Streamlit is started with."""
    options = {
        "server.address": "127.0.0.1",
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
    }
    return ["run", str(PAGE), *(f"--{name}={value}" for name, value in options.items())]


def main(port: int) -> None:
    """Serve the dashboard until interrupted; takes this process over."""
    from streamlit.web import cli

    sys.argv = ["streamlit", *arguments(port)]
    cli.main()


if __name__ == "__main__":
    main(int(sys.argv[1]))
