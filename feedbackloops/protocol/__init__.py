"""What goes over the wire, and what an answer means: pure Python, no Django, no clock, no network."""
