import pytest

from chaos.__main__ import main, wanted
from chaos.faults import FAULTS
from chaos.plan import FULL, QUICK


def test_without_settings_everything_runs_at_length_from_a_drawn_seed() -> None:
    asked = wanted({})

    assert (asked.timing, asked.faults, asked.everything) == (FULL, FAULTS, True)
    assert wanted({}).seed != asked.seed or wanted({}).seed != asked.seed


def test_the_environment_names_seed_faults_and_length() -> None:
    asked = wanted({"SEED": "42", "FAULTS": "kill-web  freeze-valkey", "CHAOS_QUICK": "1"})

    assert (asked.seed, asked.timing, asked.everything) == (42, QUICK, False)
    assert [fault.name for fault in asked.faults] == ["kill-web", "freeze-valkey"]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SEED": "x1"}, "SEED is 'x1'; give a whole number, or leave it out."),
        ({"FAULTS": "kill-web flood"}, "There is no fault flood; the faults are kill-web, kill-events,"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_before_anything_starts(
    environ: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(environ) == 2

    assert words in capsys.readouterr().err
