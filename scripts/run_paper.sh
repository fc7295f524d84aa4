#!/bin/sh
# One paper session: waits for the market, trades, ends flat, writes the day's report. Arguments go to mw paper.
set -eu
cd "$(dirname "$0")/.."
exec .venv/bin/mw paper -v "$@"
