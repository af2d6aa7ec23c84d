from collections.abc import Generator, Iterator

import hypothesis
import pytest
import pytest_django
from django.apps import apps
from django.db import connection, transaction
from django.test import TransactionTestCase
from xdist.remote import Producer

from marketingsuite import urls  # noqa: F401  (which registers every page of the dashboard)
from marketingsuite.devstack import Stack
from tests.servers import STACK
from tests.spreading import ByScope, turn_of

# The time that a machine takes to think of an example says nothing about the code.
hypothesis.settings.register_profile("suite", suppress_health_check=[hypothesis.HealthCheck.too_slow], deadline=None)
hypothesis.settings.load_profile("suite")

LONG = 32
OURS = ("access", "profiles", "tracking", "feedbackloops", "staff", "api", "esp", "auth", "admin", "sessions")
# Django's own rows, which migrations made.
KEPT = ("auth_permission", "tracking_recordingera")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long text is named by its argument: it may be a key of this process, and the tests' names must not differ."""
    return argname if isinstance(val, str | bytes) and len(val) > LONG else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have what takes long begin first; the order is random otherwise."""
    items.sort(key=lambda item: turn_of(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByScope:
    """Have one process run all tests of a file: they share what they start."""
    config.option.loadscopereorder = False
    return ByScope(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What was logged goes from process to process as UTF-8, which has no half surrogate pairs."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Stack:
    """The PostgreSQL and the Valkey of this run; the handles are None where the environment names them."""
    return pytestconfig.stash[STACK]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """The test database, which is dropped at the end although threads of the code under test still hold connections."""
    yield
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        # Some of those threads would connect again at once.
        name = str(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {connection.ops.quote_name(name)} WITH ALLOW_CONNECTIONS false")
        connection.close()
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.fixture(scope="session", autouse=True)
def quick_clean_up() -> Iterator[None]:
    """After a test that commits, delete its few rows: ten times as fast as truncating every table and partition."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: _delete_rows())
        yield


def _delete_rows() -> None:
    models = [model for name in OURS for model in apps.get_app_config(name).get_models(include_auto_created=True)]
    tables = [model._meta.db_table for model in models if model._meta.db_table not in KEPT]
    # The constraints between them are deferred to the commit, so the order is of no matter.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(";".join(f"DELETE FROM {table}" for table in tables))


@pytest.fixture
def shared_db(transactional_db: None) -> Iterator[None]:
    """The database as other threads see it; their connections end with the test."""
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
