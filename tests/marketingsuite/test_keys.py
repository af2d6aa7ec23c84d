import base64
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from marketingsuite.keys import development_keys, key_from, make_keys
from tracking.tokens import Keyring

ROOT = Path(__file__).resolve().parents[2]
NAMES = {"SECRET_KEY", "TRACKING_KEYS", "ENCRYPTION_KEYS"}
MAKER = """
import sys
from pathlib import Path
from marketingsuite.keys import development_keys
print("ready", flush=True)
sys.stdin.readline()
print(sorted(development_keys(Path(sys.argv[1])).items()))
"""


def test_new_keys_have_the_form_that_the_settings_expect() -> None:
    keys = make_keys()
    assert keys.keys() == NAMES
    assert len(keys["SECRET_KEY"]) >= 50
    assert Keyring.parse(keys["TRACKING_KEYS"]).current == 1
    assert len(base64.urlsafe_b64decode(keys["ENCRYPTION_KEYS"])) == 32
    Fernet(keys["ENCRYPTION_KEYS"])
    assert not set(keys.values()) & set(make_keys().values())


def test_developments_keys_are_made_once_for_the_owner_only(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        keys = development_keys(tmp_path / "new" / "folder")
    finally:
        os.umask(previous)
    (path,) = (tmp_path / "new" / "folder").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == keys == development_keys(path.parent)


def test_processes_that_start_together_share_the_keys(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", MAKER, str(tmp_path)]
    makers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT, text=True) for _ in range(4)]
    for maker in makers:
        assert maker.stdout
        assert maker.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(len(makers)) as threads:
        outputs = list(threads.map(lambda maker: maker.communicate("go\n", timeout=30)[0], makers))
    assert {maker.returncode for maker in makers} == {0}
    assert set(outputs) == {f"{sorted(development_keys(tmp_path).items())}\n"}
    assert len(list(tmp_path.iterdir())) == 1


def test_keys_that_are_there_already_are_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "development-keys.json").write_text('{"SECRET_KEY": "mine"}')
    assert development_keys(tmp_path) == {"SECRET_KEY": "mine"}


def test_the_environments_key_goes_before_the_one_that_was_made() -> None:
    assert key_from({"SECRET_KEY": "given"}, "SECRET_KEY", {"SECRET_KEY": "made"}) == "given"
    assert key_from({}, "SECRET_KEY", {"SECRET_KEY": "made"}) == "made"


@pytest.mark.parametrize("environ", [{}, {"SECRET_KEY": ""}])
def test_a_missing_key_is_named_with_the_way_to_one(environ: dict[str, str]) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY is not set.*python -m marketingsuite\.keys"):
        key_from(environ, "SECRET_KEY", {})


def test_the_command_prints_keys_as_lines_of_an_environment_file() -> None:
    command = [sys.executable, "-m", "marketingsuite.keys"]
    bare = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True, check=True, timeout=30)
    keys = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert keys.keys() == NAMES
    assert Keyring.parse(keys["TRACKING_KEYS"])
    assert done.stderr == ""
