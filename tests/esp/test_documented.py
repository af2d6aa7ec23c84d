from pathlib import Path

import pytest

from esp.providers import PROVIDERS, Provider

TABLE = (Path(__file__).parents[2] / "docs" / "esp.md").read_text()


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=list(PROVIDERS))
def test_the_documents_say_what_the_dashboard_says_of_a_provider(provider: Provider) -> None:
    assert f"| {provider.label} | {provider.menu} | {provider.tells} | {provider.sees} | " in TABLE
    assert not provider.note or f"- {provider.label}: {provider.note}\n" in TABLE
