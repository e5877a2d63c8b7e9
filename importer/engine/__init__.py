"""Doing what a plan says, once: worker pool, journal, look-ups after lost answers, resume, undo."""
