import pytest

from marketingsuite.doctor.findings import Level, clock, connections, space

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [
        (0.2, Level.OK, "200 ms apart"),
        (-0.9, Level.OK, "900 ms apart"),
        (1.5, Level.WARNING, "1.5 s ahead of"),
        (-3600.0, Level.TROUBLE, "3600.0 s behind"),
    ],
)
def test_a_clock_is_judged_by_how_far_it_is_off(ahead: float, level: Level, words: str) -> None:
    finding = clock("database clock", ahead)
    assert finding.level is level
    assert words in finding.words
    assert bool(finding.advice) is (level is not Level.OK)


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [(50 * GB, 100 * GB, Level.OK), (2 * GB, 100 * GB, Level.WARNING), (GB // 20, 100 * GB, Level.TROUBLE)],
)
def test_a_disk_is_judged_by_what_is_free(free: int, total: int, level: Level) -> None:
    assert space("spool disk", free, total).level is level


@pytest.mark.parametrize(
    ("allowed", "taken", "needed", "level"),
    [(97, 20, 56, Level.OK), (97, 20, 126, Level.WARNING), (97, 95, 56, Level.TROUBLE)],
)
def test_connections_are_judged_by_those_left(allowed: int, taken: int, needed: int, level: Level) -> None:
    assert connections(allowed, taken, needed).level is level
