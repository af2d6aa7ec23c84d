class DevstackError(Exception):
    """An embedded server or a process of the Procfile failed; the message says how and what to do about it."""
