"""Fixtures of the behaviour tests; what they are made of stands in program.py."""

from __future__ import annotations

from tests.behaviour.inside import here, recorded
from tests.behaviour.program import cli, samples, serve
from tests.behaviour.scripted import scripted

__all__ = ["cli", "here", "recorded", "samples", "scripted", "serve"]
