import pytest

from marketingsuite.devstack import Stack
from tests.servers import STACK


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Stack:
    """The PostgreSQL and the Valkey of this run; the handles are None where the environment names them."""
    return pytestconfig.stash[STACK]
