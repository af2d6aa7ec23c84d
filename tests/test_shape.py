"""What CONTRIBUTING.md says of the length of files and functions."""

import ast
from pathlib import Path
from textwrap import indent

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
# Written by makemigrations.
EXEMPT = "migrations"
PACKAGES = [path.parent for path in ROOT.glob("*/__init__.py")]
FILES = [path for package in PACKAGES for path in package.rglob("*.py") if path.parent.name != EXEMPT]


def long_functions(source: str) -> list[str]:
    """The names of those that are too long, counted from `def` on."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [node.name for node in nodes if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION]


def test_no_file_is_too_long_to_be_read_in_one_go() -> None:
    lengths = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in FILES}
    assert len(lengths) > 500
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_be_seen_at_once() -> None:
    found = {str(path.relative_to(ROOT)): long_functions(path.read_text()) for path in FILES}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_function_is_too_long_from_the_first_line_on_that_is_too_many() -> None:
    longest = "def f():\n" + "    pass\n" * (LONGEST_FUNCTION - 1)
    assert long_functions(longest) == []
    assert long_functions(f"{longest}    pass\n") == ["f"]
    assert long_functions("class C:\n" + indent(f"async {longest}    pass\n", "    ")) == ["f"]
