"""Check the connection to TWS or IB Gateway: the same as ``mw connect-test``."""

from __future__ import annotations

import sys

from scripts.cli import main

if __name__ == "__main__":
    sys.exit(main(["connect-test", *sys.argv[1:]]))
