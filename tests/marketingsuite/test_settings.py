import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from marketingsuite.keys import make_keys

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {"DATABASE_URL": "postgresql://user:p%40ss@127.0.0.1:1/name", "REDIS_URL": "redis://127.0.0.1:1/0"}
SHOW = """
import json
from pathlib import Path
import marketingsuite.settings as settings
named = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
print(json.dumps(named, default=lambda value: str(value) if isinstance(value, Path) else type(value).__name__))
"""


def load(folder: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The settings in a process that has this environment and no other."""
    own = {"PATH": os.environ["PATH"], "MARKETINGSUITE_VAR": str(folder)} | SERVERS | environ
    return subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=own, capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.parametrize("name", ["SECRET_KEY", "TRACKING_KEYS", "ENCRYPTION_KEYS"])
def test_a_deployment_without_a_key_stops_and_says_how_to_make_one(name: str, tmp_path: Path) -> None:
    loaded = load(tmp_path, **{key: value for key, value in make_keys().items() if key != name})
    assert loaded.returncode != 0
    message = loaded.stderr.splitlines()[-1]
    assert f"{name} is not set" in message
    assert "python -m marketingsuite.keys" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_a_server_that_is_not_named_is_asked_for(name: str, tmp_path: Path) -> None:
    missing = {each: value for each, value in SERVERS.items() if each != name}
    own = {"PATH": os.environ["PATH"], "MARKETINGSUITE_VAR": str(tmp_path)} | missing | make_keys()
    command = [sys.executable, "-c", "import marketingsuite.settings"]
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0
    assert f"Set the {name} environment variable" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/1", "rediss://127.0.0.1:1/1"])
def test_the_options_of_redis_go_to_redis(tmp_path: Path, url: str) -> None:
    by_default = json.loads(load(tmp_path, **make_keys()).stdout)
    assert by_default["CELERY_BROKER_URL"] == SERVERS["REDIS_URL"]
    assert by_default["CELERY_BROKER_TRANSPORT_OPTIONS"]["ack_emulation"] is False
    named = json.loads(load(tmp_path, BROKER_URL=url, **make_keys()).stdout)
    assert named["CELERY_BROKER_URL"] == url
    assert named["CELERY_BROKER_TRANSPORT_OPTIONS"] == by_default["CELERY_BROKER_TRANSPORT_OPTIONS"]


def test_with_another_broker_no_redis_is_asked_for_and_it_gets_no_options_of_redis(tmp_path: Path) -> None:
    url = "amqp://user:secret@127.0.0.1:1/suite"
    settings = json.loads(load(tmp_path, BROKER_URL=url, REDIS_URL="", **make_keys()).stdout)
    assert settings["CELERY_BROKER_URL"] == url
    assert settings["CELERY_BROKER_TRANSPORT_OPTIONS"] == {}
    # It would write each ring to its disk.
    assert settings["CELERY_TASK_DEFAULT_DELIVERY_MODE"] == "transient"


def test_a_key_that_can_not_be_used_is_named_and_not_shown(tmp_path: Path) -> None:
    loaded = load(tmp_path, **make_keys() | {"TRACKING_KEYS": "1:dG9vIHNob3J0"})
    assert loaded.returncode != 0
    assert "The setting TRACKING_KEYS can't be used: The secret of link key 1" in loaded.stderr.splitlines()[-1]
    assert "dG9vIHNob3J0" not in loaded.stderr
    assert "too short" not in loaded.stderr
    assert loaded.stderr.count("Traceback") == 1


def test_a_deployment_is_closed_and_a_development_open(tmp_path: Path) -> None:
    deployed = json.loads(load(tmp_path, **make_keys()).stdout)
    assert (deployed["DEBUG"], deployed["ALLOWED_HOSTS"], deployed["SECURE_SSL_REDIRECT"]) == (False, [], True)
    assert deployed["SESSION_COOKIE_SECURE"] is deployed["CSRF_COOKIE_SECURE"] is True
    assert deployed["SECURE_HSTS_SECONDS"] > 0
    assert "SECURE_PROXY_SSL_HEADER" not in deployed
    developing = json.loads(load(tmp_path, DEVELOPMENT="true").stdout)
    assert (developing["DEBUG"], developing["SECURE_SSL_REDIRECT"]) == (False, False)
    assert "localhost" in developing["ALLOWED_HOSTS"]
    assert (tmp_path / "development-keys.json").exists()


def test_the_environment_is_heard(tmp_path: Path) -> None:
    given = {
        "TRACKING_URL": "https://t.example.com/",
        "TRUSTED_PROXIES": "2",
        "HIT_WAIT_MS": "25",
        "RECORDER_CONNECTIONS": "3",
        "SPOOL_DIR": "/somewhere/spool",
    }
    settings = json.loads(load(tmp_path, **make_keys() | given).stdout)
    assert settings["TRACKING_URL"] == "https://t.example.com"
    assert (settings["TRUSTED_PROXIES"], settings["RECORDER_CONNECTIONS"], settings["HIT_WAIT_SECONDS"]) == (
        2,
        3,
        0.025,
    )
    assert settings["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
    assert settings["SPOOL_DIR"] == "/somewhere/spool"
    assert settings["DATABASES"]["default"]["PASSWORD"] == "p@ss"
    assert settings["DATABASES"]["default"]["ENGINE"] == "django.db.backends.postgresql"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too easy to guess"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY is too easy to guess"),
        ({"SECRET_KEY": f"django-insecure-{'0123456789abcdef' * 4}"}, "SECRET_KEY is a placeholder"),
        ({"SECRET_KEY": f"change-me-{'0123456789abcdef' * 4}"}, "SECRET_KEY is a placeholder"),
        ({"ALLOWED_HOSTS": "suite.example.com,*"}, "ALLOWED_HOSTS has '*'"),
    ],
)
def test_no_process_of_a_deployment_starts_that_anybody_could_enter(
    tmp_path: Path, given: dict[str, str], words: str
) -> None:
    refused = load(tmp_path, **make_keys() | given)
    assert refused.returncode != 0
    message = refused.stderr.splitlines()[-1]
    assert words in message
    assert given.get("SECRET_KEY", "none") not in refused.stderr
    for open_one in ("DEVELOPMENT", "DEBUG"):
        assert load(tmp_path, **make_keys() | given | {open_one: "true"}).returncode == 0


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, SERVERS["REDIS_URL"]),
        ({"BROKER_URL": "redis://127.0.0.1:1/7"}, SERVERS["REDIS_URL"]),
        ({"BROKER_URL": "amqp://127.0.0.1:1//"}, SERVERS["REDIS_URL"]),
        ({"BROKER_URL": "amqp://127.0.0.1:1//", "REDIS_URL": ""}, ""),
        ({"BROKER_URL": "redis://127.0.0.1:1/7", "REDIS_URL": ""}, "redis://127.0.0.1:1/7"),
    ],
)
def test_logins_are_counted_in_redis_wherever_there_is_one(tmp_path: Path, given: dict[str, str], url: str) -> None:
    assert json.loads(load(tmp_path, **make_keys() | given).stdout)["THROTTLE_URL"] == url


def test_the_mail_server_is_named_by_a_url(tmp_path: Path) -> None:
    named = json.loads(load(tmp_path, EMAIL_URL="smtp+tls://user:p%40ss@mail.example.com:587", **make_keys()).stdout)
    assert (named["EMAIL_HOST"], named["EMAIL_PORT"], named["EMAIL_USE_TLS"]) == ("mail.example.com", 587, True)
    assert (named["EMAIL_HOST_USER"], named["EMAIL_HOST_PASSWORD"]) == ("user", "p@ss")
    assert "console" in json.loads(load(tmp_path, **make_keys()).stdout)["EMAIL_BACKEND"]


@pytest.mark.parametrize("url", ["mail.example.com", "https://user:secret@mail.example.com", "smtp://"])
def test_a_mail_server_that_can_not_be_one_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    loaded = load(tmp_path, EMAIL_URL=url, **make_keys())
    assert loaded.returncode != 0
    assert "The setting EMAIL_URL can't be used: give smtp+tls://" in loaded.stderr.splitlines()[-1]
    assert "secret" not in loaded.stderr
