import pytest

from profiles.models import Profile
from tests.factories import make_profile
from tests.profiles.telling import forget


@pytest.fixture
def profile(db: None) -> Profile:
    """A profile whose creation is not among the events any more."""
    profile = make_profile(city="Ghent", age="42")
    forget()
    return profile
