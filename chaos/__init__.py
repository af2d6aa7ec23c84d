"""Breaks every part under load and compares what each side says then: ``python -m chaos``."""
