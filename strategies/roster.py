"""The bots by name, in the order they are asked on a bar."""

from __future__ import annotations

from engine.settings_bots import BOTS as GROUP
from engine.settings_bots import plugins
from strategies.base import Bot
from strategies.buywrite import BuyWrite
from strategies.condor import Condor
from strategies.putlite import PutLite

HOUSE = (PutLite, BuyWrite, Condor)
BOTS: dict[str, type[Bot]] = {bot.bot_name: bot for bot in HOUSE} | plugins(GROUP)
