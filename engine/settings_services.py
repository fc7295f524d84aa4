"""Settings of the pages and doors beside a session: dashboard, metrics, webhooks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.settings_types import Count, Positive, Section

Port = Annotated[Count, Field(ge=1024, le=65535)]


class ServeSettings(Section):
    """``mw serve``: status and metrics on this machine, and the door for TradingView's alerts."""

    port: Port = 8790
    body_limit: Annotated[Count, Field(le=65536)] = 4096  # bytes of one message
    max_age_seconds: Positive = 60.0  # an older message, or one from the future, is not taken
    per_minute: Count = 30  # messages taken, all senders together
    veto_minutes: Annotated[Positive, Field(le=390)] = 60.0  # the longest a veto may hold


class DashboardSettings(Section):
    """``mw dashboard``: the page that shows the journal."""

    port: Port = 8501
    refresh_seconds: Annotated[Positive, Field(ge=1, le=300)] = 5.0
