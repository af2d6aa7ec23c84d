"""What pixel and link URLs may begin with."""

from urllib.parse import urlsplit


def origin_problem(url: str) -> str | None:
    """Why links can't begin with this, as a sentence for people; None when it is a scheme and a host, and no more."""
    words = "has to be http:// or https:// and a host, with nothing behind"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises for one that no port can have
    except ValueError:
        return words
    whole = f"{parts.scheme}://{parts.netloc}"
    # What is in the way of a mail's URL: a name and password, spaces, quotes and brackets, a host beyond ASCII.
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(" @\\\"'<>?#")
    return None if parts.scheme in ("http", "https") and parts.hostname and url == whole and is_plain else words
