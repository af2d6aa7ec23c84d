"""Requests that nobody thought of: what comes back is what the description says, and never a crash."""

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from pytest_django import Settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi

from feedbackloops import doorbell
from tests.access.planted import plant
from tests.api.program import Program
from tests.dashboard import Rings

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]

EXAMPLES = 6
# Whether a request is taken that its description allows depends on the rows that are there.
CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.fixture
def text(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The token of a program that may do everything, as often as it likes."""
    settings.API_REQUESTS_PER_MINUTE = 0
    monkeypatch.setattr(doorbell, "_doorbell", Rings)
    signals = (request_started, request_finished)
    # The connection is the test's, and stays open from one request to the next.
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield Program(plant("planted").account).text
    for signal in signals:
        signal.connect(close_old_connections)


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_every_answer_is_as_described(case: schemathesis.Case[Any], text: str) -> None:
    response = case.call(headers={"Authorization": f"Bearer {text}"})
    case.validate_response(response, checks=CHECKS)
