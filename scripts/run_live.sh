#!/bin/sh
# One live session, if the gate allows it (mw gate). Arguments go to mw live.
set -eu
cd "$(dirname "$0")/.."
exec .venv/bin/mw live -v "$@"
