"""What the documents say, held against the code: links, names, settings, commands and samples."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from honcho.environ import parse_procfile

from screens.pictures import MOST_BYTES

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
DOCS = [*(ROOT / name for name in PAGES), *sorted((ROOT / "docs").rglob("*.md"))]
GLOSSARY, RECEIVING, OPERATIONS, FLOW = (
    ROOT / "docs" / f"{name}.md" for name in ("glossary", "receiving", "operations", "flow")
)
SETTINGS = ROOT / "marketingsuite" / "settings.py"
SCREENSHOTS = ROOT / "docs" / "screenshots"
PACKAGES = ("marketingsuite", "api", "esp", "staff", "feedbackloops", "tracking", "profiles", "access")


def code_blocks(text: str) -> Iterator[tuple[str, str]]:
    for block in re.finditer(r"^( *)```(\w+)\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL):
        yield block[2], block[3]


def prose(path: Path) -> str:
    return re.sub(r"^( *)```.*?^\1```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def headings(path: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links() -> Iterator[tuple[Path, str, Path, str]]:
    """Each relative link: the document, the text, the file that it leads to, the anchor there."""
    for document in DOCS:
        for text, target in re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", prose(document)):
            if "://" not in target:
                path, _, fragment = target.partition("#")
                file = (document.parent / path).resolve() if path else document
                yield document, " ".join(text.split()), file, fragment


def rows(path: Path) -> Iterator[list[str]]:
    """The rows of a document's tables, cell by cell."""
    for line in prose(path).splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def described_settings(path: Path) -> dict[str, str]:
    """What stands in the second cell of each row that begins with the name of a setting."""
    return {row[0].strip("`"): row[1] for row in rows(path) if re.fullmatch(r"`[A-Z_]+`", row[0])}


def settings_read() -> dict[str, ast.expr | None]:
    """The settings that settings.py reads, with their defaults."""
    calls = [node for node in ast.walk(ast.parse(SETTINGS.read_text())) if isinstance(node, ast.Call)]
    return {name: default_of(call) for call in calls if (name := name_read(call))}


def name_read(call: ast.Call) -> str | None:
    """The setting that `env.kind("NAME", …)` or `key_from(environ, "NAME", …)` reads."""
    if not re.fullmatch(r"env\.\w+|key_from", ast.unparse(call.func)):
        return None
    return next((str(each.value) for each in call.args if isinstance(each, ast.Constant)), None)


def default_of(call: ast.Call) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == "default"), None)


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> None:
    for source, text, target, fragment in links():
        if source == document:
            assert target.exists(), f"[{text}] leads to {target}"
            if fragment:
                assert fragment in map(anchor, headings(target)), f"[{text}] leads to #{fragment}"


def test_every_function_and_class_that_a_link_names_is_defined_in_its_file() -> None:
    named = [(re.fullmatch(r"`(\w+)(?:\(\))?`", text), target) for _, text, target, _ in links()]
    found = [(match[1], target) for match, target in named if match and target.suffix == ".py"]
    assert len(found) > 20
    for name, target in found:
        assert re.search(rf"^ *(?:(?:async )?def|class) {name}\b", target.read_text(), re.MULTILINE), (
            f"{name} in {target}"
        )


def pictures() -> set[Path]:
    """What the documents show: by `src` and `srcset`, or by a link to a picture."""
    named = {target for _, _, target, _ in links() if target.suffix == ".png"}
    for document in DOCS:
        shown = re.findall(r'(?:src|srcset)="([^"]+)"', prose(document))
        named.update((document.parent / path).resolve() for path in shown)
    return named


def test_every_picture_that_a_document_shows_exists_and_every_picture_is_shown() -> None:
    assert len(pictures()) > 60
    assert pictures() == set(SCREENSHOTS.glob("*.png"))


def test_no_picture_is_too_large_for_a_repository() -> None:
    assert [path.name for path in SCREENSHOTS.glob("*.png") if path.stat().st_size > MOST_BYTES] == []


def test_the_glossary_is_in_alphabetical_order() -> None:
    terms = headings(GLOSSARY)[1:]
    assert terms == sorted(terms)


def test_a_link_to_the_glossary_says_the_word_that_it_leads_to() -> None:
    for document, text, target, fragment in links():
        if target == GLOSSARY and fragment:
            said = text.lower().replace(" ", "-")
            words = (said, said.removesuffix("s"), said.removesuffix("es"), re.sub("ies$", "y", said))
            assert f"-{fragment}".endswith(tuple(f"-{each}" for each in words)), f"[{text}] in {document}"


def test_every_setting_is_described_with_its_default() -> None:
    described = described_settings(OPERATIONS)
    assert settings_read().keys() <= described.keys()
    for name, default in settings_read().items():
        if isinstance(default, ast.Constant) and default.value not in ("", None):
            value = str(default.value).lower() if isinstance(default.value, bool) else str(default.value)
            assert described[name] == f"`{value}`", name
        elif isinstance(default, ast.Constant | ast.List):
            assert not described[name].startswith("`"), name


def test_no_setting_is_described_that_nothing_reads() -> None:
    in_procfile = dict(re.findall(r"\$\{(\w+):-(\w[\w.]*)\}", (ROOT / "Procfile").read_text()))
    described = described_settings(OPERATIONS)
    assert described.keys() - settings_read().keys() == {*in_procfile, "DEMO_ONCE"}
    assert {name: described[name].strip("`") for name in in_procfile} == in_procfile


def test_the_readme_has_a_selection_of_the_settings_with_the_same_defaults() -> None:
    everything = described_settings(OPERATIONS)
    for name, default in described_settings(ROOT / "README.md").items():
        assert name in everything
        if default.startswith("`"):
            assert everything[name].startswith(default), name


def test_every_process_of_the_procfile_is_described() -> None:
    processes = parse_procfile((ROOT / "Procfile").read_text()).processes
    for document in (OPERATIONS, FLOW):
        assert set(processes) <= {row[0].strip("`") for row in rows(document)}


def test_every_task_and_every_thread_stands_in_the_flow_beside_its_process() -> None:
    commands = parse_procfile((ROOT / "Procfile").read_text()).processes
    process_of = {queue: name for name, line in commands.items() for queue in re.findall(r" -Q (\w+)", line)}
    found = [row for row in rows(FLOW) if len(row) == 3]
    # The processes stand in another table, further below, too.
    does = {process.strip("`"): words for process, _, words in reversed(found) if process}
    placed = [(task, process_of[route["queue"]]) for task, route in settings.CELERY_TASK_ROUTES.items()]
    placed += [(task, "beat") for task in settings.CELERY_BEAT_SCHEDULE]
    assert [task for task, process in placed if f"`{task}`" not in does[process]] == []
    assert threads() <= {name for _, names, _ in found for name in re.split(r", | \(\d", names)}


def threads() -> set[str]:
    """The names of those that the processes start."""
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "demo" not in path.parts]
    made = re.compile(r"""Thread\([^\n]*name="([a-z-]+)"|Crew\("([a-z]+)\"""")
    return {name for path in files for names in made.findall(path.read_text()) for name in names if name}


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = [text for path in DOCS for _, text in code_blocks(path.read_text())]
    code += [text for path in DOCS for text in re.findall(r"`([^`]+)`", prose(path))]
    named = {target for text in code for target in re.findall(r"^(?:\w+=\w+ )?make ([a-z]+)", text, re.MULTILINE)}
    assert {"demo", "test", "run", "check"} <= named <= targets


def test_every_log_line_that_is_explained_is_one_that_the_code_writes() -> None:
    code = "\n".join(path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    _, table = OPERATIONS.read_text().split("## Log lines that matter")
    lines = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    assert len(lines) > 10
    for line in lines:
        assert line in code


def test_the_documents_tell_the_same_retry_schedule_as_the_code() -> None:
    units = {"": "s", "m": "min", "h": "h"}
    pauses = re.findall(r"([0-9]+)([a-z]?)", described_settings(OPERATIONS)["RETRY_SCHEDULE"])
    *first, last = [f"{number} {units[unit]}" for number, unit in pauses]
    for document in (RECEIVING, ROOT / "docs" / "flow.md"):
        assert f"{', '.join(first)} and {last}" in " ".join(document.read_text().split())
