"""Measures the real processes side by side with their limits: ``python -m bench``."""
