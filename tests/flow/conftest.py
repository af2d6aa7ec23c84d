from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from marketingsuite.devstack import Stack
from marketingsuite.devstack.launching import last_lines
from tests.flow.customers import Customer
from tests.flow.deployment import Deployment, deployed
from tests.http_server import HttpServer, status

FLOW = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests last, in whatever order: the processes then are there for them only."""
    items.sort(key=lambda item: FLOW in item.path.parents)


@pytest.fixture(scope="session")
def deployment(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Web, events, worker, looks and beat, each a process, started once."""
    with deployed(stack, tmp_path_factory.mktemp("flow")) as deployment:
        yield deployment


@pytest.fixture(autouse=True)
def joined(deployment: Deployment, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test works as one more process of the deployment; none of the others may end by itself meanwhile."""
    deployment.mend()
    with django_db_blocker.unblock(), deployment.joined():
        yield
    deployment.processes.check()


@pytest.fixture
def server() -> Iterator[HttpServer]:
    """A customer's server, where nothing stands yet."""
    with HttpServer(status(404)) as server:
        yield server


@pytest.fixture
def customer(joined: None, server: HttpServer) -> Iterator[Customer]:
    """A customer of this test alone."""
    customer = Customer(server)
    yield customer
    customer.leave()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the processes said last."""
    report = yield
    if report.failed and isinstance(deployment := getattr(item, "funcargs", {}).get("deployment"), Deployment):
        for name in deployment.processes.commands:
            report.sections.append((f"end of {name}.log", last_lines(deployment.processes.log(name))))
    return report
