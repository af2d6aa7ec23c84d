import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from marketingsuite import logs

ROOT = Path(__file__).resolve().parents[2]
EVENT = UUID("0192d3a0-7c1e-7000-8000-000000000001")


class Lines(logging.Handler):
    """What a logger writes in one of the forms."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.setFormatter(logs.Formatter(kind, ["a-secret-of-the-settings"]))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("tests.logs")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger
    logger.handlers.clear()
    logger.propagate = True


def written(logger: logging.Logger, kind: str, *args: Any, **kwargs: Any) -> str:
    lines = Lines(kind)
    logger.addHandler(lines)
    logger.error(*args, **kwargs)
    logger.removeHandler(lines)
    (line,) = lines.lines
    return line


def failure(words: str) -> Exception:
    try:
        raise ValueError(words)
    except ValueError as error:
        return error


def test_a_json_line_tells_all_that_is_known(logger: logging.Logger) -> None:
    about = {"event": EVENT, "loop": 7, "delivery": EVENT, "attempt": 2, "outcome": "accepted"}
    line = json.loads(written(logger, logs.JSON, "It went %s", "well", extra=about))
    assert line["time"].endswith("Z")
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "tests.logs", "It went well")
    assert {name: line[name] for name in about} == about | {"event": str(EVENT), "delivery": str(EVENT)}


def test_a_json_line_without_more_to_tell_has_no_empty_members(logger: logging.Logger) -> None:
    assert not {*logs.ABOUT, "trace"} & json.loads(written(logger, logs.JSON, "plain")).keys()


def test_a_json_line_is_one_line_whatever_was_sent(logger: logging.Logger) -> None:
    line = written(logger, logs.JSON, "a\nb\u2028c\x00d\udcff", exc_info=failure("x\ny"))
    assert len(line.splitlines()) in (1, 2)  # splitlines() breaks at U+2028, readers of lines do not
    assert line.count("\n") == 0
    assert "ValueError: x\ny" in json.loads(line)["trace"]


def test_a_line_of_text_names_what_it_is_about_once(logger: logging.Logger) -> None:
    assert written(logger, logs.LINE, "Event %s is here", EVENT, extra={"event": EVENT}).endswith(
        f"Event {EVENT} is here"
    )
    assert written(logger, logs.LINE, "It is here", extra={"event": EVENT}).endswith(f"It is here [event={EVENT}]")


def test_a_line_break_that_was_sent_begins_no_line_that_looks_like_ours(logger: logging.Logger) -> None:
    line = written(logger, logs.LINE, "one\n2026-01-01 CRITICAL forged")
    assert [each for each in line.splitlines() if not each.startswith("  ")] == [line.splitlines()[0]]


@pytest.mark.parametrize("kind", logs.FORMATS)
def test_secrets_are_in_neither_message_nor_trace(logger: logging.Logger, kind: str) -> None:
    error = failure("postgresql://u:hush-hush@db/x and a-secret-of-the-settings")
    line = written(logger, kind, "whsec_hushhush with %s", "a-secret-of-the-settings", exc_info=error)
    assert "hush" not in line
    assert "a-secret" not in line


def test_a_long_message_is_cut_and_says_how_long_it_was(logger: logging.Logger) -> None:
    line = written(logger, logs.LINE, "x" * 1_000_000)
    assert len(line) < logs.LONGEST_MESSAGE + 200
    assert line.endswith("(1,000,000 characters)")


def test_a_message_that_does_not_fit_its_arguments_is_written_all_the_same() -> None:
    record = logging.makeLogRecord({"msg": "%d hits", "args": ("many",)})
    assert "%d hits" in logs.Formatter().format(record)


@pytest.mark.parametrize("text", ["xml", "JSON", ""])
def test_an_unknown_format_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="line, json"):
        logs.as_format(text)


def test_a_level_is_taken_in_any_case_and_an_unknown_one_refused() -> None:
    assert logs.as_level("debug") == "DEBUG"
    with pytest.raises(ValueError, match="INFO"):
        logs.as_level("loud")


def test_loggers_of_libraries_write_in_the_same_form() -> None:
    said = "import logging.config, marketingsuite.logs as logs\n"
    said += "logging.config.dictConfig(logs.configuration('json', 'INFO', ['topsecret']))\n"
    names = ("_granian", "celery.worker", "django.request", "urllib3", "kombu", "")
    said += "".join(f"logging.getLogger('{name}').error('the topsecret')\n" for name in names)
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["logger"] for line in lines] == [name or "root" for name in names]
    assert {line["message"] for line in lines} == {"the ***"}


@pytest.mark.parametrize(("level", "least"), [("DEBUG", "INFO"), ("INFO", "INFO"), ("ERROR", "ERROR")])
def test_libraries_say_no_more_than_the_level_and_no_statements_at_debug(level: str, least: str) -> None:
    loggers = logs.configuration("line", level, [])["loggers"]
    assert {loggers[name]["level"] for name in ("django", "celery", "redis")} == {least}


def test_what_does_without_django_takes_the_format_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    record = logging.makeLogRecord({"msg": "up", "levelname": "INFO", "name": "_granian"})
    assert json.loads(logs.from_environment().format(record))["message"] == "up"
