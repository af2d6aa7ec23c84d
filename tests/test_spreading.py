from tests.spreading import scope_of, turn_of


def test_a_process_runs_a_file_or_a_folder_whose_tests_share_what_they_start() -> None:
    assert scope_of("tests/flow/test_a.py::test_b[c::d]") == scope_of("tests/flow/test_e.py::test_f")
    assert scope_of("tests/api/test_a.py::test_b[tests/flow/]") == "tests/api/test_a.py"


def test_what_takes_long_begins_first() -> None:
    tests = ["tests/api/test_a.py::test_b", "tests/flow/test_a.py::test_b", "tests/browser/test_a.py::test_b"]
    assert sorted(tests, key=turn_of) == tests[::-1]
