"""The keys that sign links and encrypt secrets. ``python -m marketingsuite.keys`` prints new ones for a deployment.

Development's own are made once and kept in the data folder, so that links and secrets outlive a restart.
"""

import base64
import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SECRET_KEY_LENGTH = 50
SECRET_KEY_VARIETY = 10
_WAY = (
    "Make keys with `python -m marketingsuite.keys`, once and for all, and put them into the environment of every "
    "process or into .env; on your own machine, set DEVELOPMENT=true instead."
)
_PLACEHOLDERS = ("django-insecure-", "change", "secret", "example", "insecure", "default", "password", "your-")


def development_keys(folder: Path) -> dict[str, str]:
    """The keys of this checkout, made on first use: SECRET_KEY, TRACKING_KEYS and ENCRYPTION_KEYS by name."""
    path = folder / "development-keys.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _publish(path, json.dumps(make_keys()))
    keys: dict[str, str] = json.loads(path.read_text())
    return keys


def make_keys() -> dict[str, str]:
    """New random keys in the form that the settings expect."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "TRACKING_KEYS": "1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def key_from(environ: Mapping[str, str], name: str, made: Mapping[str, str]) -> str:
    """The key of this name: from the environment, else from those that were made.

    Raises ImproperlyConfigured, with the way to a key, when neither has one.
    """
    key = environ.get(name) or made.get(name)
    if not key:
        raise ImproperlyConfigured(f"{name} is not set. {_WAY}")
    return key


def insist_on_safety(secret_key: str, allowed_hosts: Sequence[str]) -> None:
    """Let no deployment start that anybody could enter. Raises ImproperlyConfigured, with what to do.

    A SECRET_KEY that can be guessed lets others forge sessions; a host of `*` lets them choose what links lead to.
    """
    if len(secret_key) < SECRET_KEY_LENGTH or len(set(secret_key)) < SECRET_KEY_VARIETY:
        raise ImproperlyConfigured(
            f"SECRET_KEY is too easy to guess: it has less than {SECRET_KEY_LENGTH} random characters. {_WAY}"
        )
    if secret_key.lower().startswith(_PLACEHOLDERS):
        raise ImproperlyConfigured(f"SECRET_KEY is a placeholder, which others know as well. {_WAY}")
    if any(host.strip() in ("*", ".") for host in allowed_hosts):
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS has '*', which lets anybody name the host that links lead to. Name the hosts under which "
            "staff reach the dashboard, such as suite.example.com."
        )


def _publish(path: Path, text: str) -> None:
    """Write the file whole or not at all, and never over one that another process made meanwhile."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}={key}\n" for name, key in make_keys().items())
