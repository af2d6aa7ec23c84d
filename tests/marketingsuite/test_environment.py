import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from marketingsuite.devstack import BASE_DIR
from marketingsuite.environment import Environment, mail_server, named, networks
from marketingsuite.keys import make_keys


def test_a_setting_that_can_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORY_DAYS", "ninety")

    with pytest.raises(ImproperlyConfigured, match="The setting HISTORY_DAYS can't be used"):
        Environment().int("HISTORY_DAYS")


def test_networks_are_read_and_a_wrong_one_is_named_with_its_setting() -> None:
    assert [str(each) for each in networks(["10.0.0.0/8", " ::1/128"])] == ["10.0.0.0/8", "::1/128"]

    with pytest.raises(ImproperlyConfigured, match=r"OUTBOUND_ALLOWED_NETWORKS.*10\.0\.0\.1/8"):
        named("OUTBOUND_ALLOWED_NETWORKS", lambda: networks(["10.0.0.1/8"]))


def test_mails_are_written_to_the_folder_that_was_named_and_to_no_relative_one() -> None:
    assert mail_server("filemail:///var/mails")["EMAIL_FILE_PATH"] == "/var/mails"

    for url in ("filemail://var/mails", "filemail:var/mails", "filemail://"):
        with pytest.raises(ValueError, match="three slashes"):
            mail_server(url)


def manage(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    ours = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "DEVELOPMENT", "ALLOWED_HOSTS")
    environ = {name: value for name, value in os.environ.items() if name not in ours}
    command = [sys.executable, str(BASE_DIR / "manage.py"), "check"]
    environ |= {"MARKETINGSUITE_VAR": str(folder)} | settings
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=50, check=False)


@pytest.mark.parametrize("sign", [{"ALLOWED_HOSTS": "suite.example.com"}, {"DEVELOPMENT": "false"}])
def test_a_deployment_that_names_no_servers_gets_no_embedded_ones(tmp_path: Path, sign: dict[str, str]) -> None:
    done = manage(tmp_path, **sign, **make_keys())

    assert done.returncode == 1
    assert "DATABASE_URL and REDIS_URL must be set in a deployment" in done.stderr
    assert not any(tmp_path.iterdir())


def test_a_deployment_that_names_another_broker_is_asked_for_its_database_only(tmp_path: Path) -> None:
    done = manage(tmp_path, ALLOWED_HOSTS="suite.example.com", BROKER_URL="amqp://127.0.0.1:1", **make_keys())

    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL must be set in a deployment")


def test_a_setting_that_can_not_be_read_ends_a_command_with_one_line(tmp_path: Path) -> None:
    servers = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1"}

    done = manage(tmp_path, **servers, DEVELOPMENT="true", HISTORY_DAYS="ninety")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "The setting HISTORY_DAYS can't be used: invalid literal for int() with base 10: 'ninety'"
    ]
