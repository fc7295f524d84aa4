"""Tests of `mw serve`."""
