"""Calls to the outside: which addresses may be called, names to addresses, and HTTP by the thousand.

All values are passed in: nothing here knows Django or reads a setting.
"""

from .calls import Answer, Call, Timings
from .resolver import Resolver
from .sender import Sender, perform

__all__ = ["Answer", "Call", "Resolver", "Sender", "Timings", "perform"]
