"""Keys for development: made once, kept in the data folder, so that links and secrets outlive a restart."""

import base64
import json
import os
import secrets
from pathlib import Path


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
