"""Fixtures of the behaviour tests; what they are made of stands in program.py."""

from __future__ import annotations

from tests.behaviour.program import cli, samples, serve

__all__ = ["cli", "samples", "serve"]
