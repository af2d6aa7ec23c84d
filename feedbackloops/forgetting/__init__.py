"""Forgetting a person: all that is kept of one recipient of an account goes, in small steps, and the end is a proof."""
