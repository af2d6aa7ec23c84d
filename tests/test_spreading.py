from tests.spreading import scope_of, turn_of


def test_a_process_runs_a_whole_file_or_all_that_a_browser_is_started_for() -> None:
    assert scope_of("tests/api/test_a.py::test_b[tests/browser/]") == "tests/api/test_a.py"
    assert scope_of("tests/browser/test_a.py::test_b[c::d]") == scope_of("tests/browser/test_e.py::test_f")


def test_what_takes_long_begins_first() -> None:
    tests = ["tests/api/test_a.py::test_b", "tests/chaos/test_a.py::test_b", "tests/browser/test_a.py::test_b"]
    assert sorted(tests, key=turn_of) == tests[::-1]
