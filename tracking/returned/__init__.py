"""Mail that comes back, from its bytes to what it says. Pure."""

from tracking.returned.understanding import Kind, Understood, understand

__all__ = ["Kind", "Understood", "understand"]
