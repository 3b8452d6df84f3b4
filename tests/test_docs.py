"""The pages: what they show runs, what they link to exists, what they list is complete."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Final

import pytest

import typedbridge

pytestmark = pytest.mark.plain

ROOT: Final = Path(__file__).parents[1]
README: Final = ROOT / "README.md"
CONTRACT: Final = ROOT / "docs" / "contract.md"
STREAMS: Final = ROOT / "docs" / "streams.md"
ARCHITECTURE: Final = ROOT / "docs" / "architecture.md"
CHANGELOG: Final = ROOT / "CHANGELOG.md"
QUICKSTART: Final = ROOT / "examples" / "quickstart.py"
PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")])


def code_blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures that are not addresses on the web."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))
    return [target for target in targets if "://" not in target]


def headings(page: Path) -> set[str]:
    """The anchors of a page, as they are made from its headings."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def section(page: Path, title: str) -> str:
    """A page's text from a heading of the second level to the next one."""
    _, _, rest = page.read_text().partition(f"\n## {title}\n")
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def test_the_example_in_the_readme_is_the_quick_start() -> None:
    """Who copies the one gets the other."""
    assert [QUICKSTART.read_text()] == code_blocks(README, "python")


def test_the_example_in_the_readme_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints SQLite's version."""
    (program,) = code_blocks(README, "python")
    path = tmp_path / "readme.py"
    path.write_text(program)
    runpy.run_path(str(path), run_name="__main__")
    assert re.fullmatch(r"SQLite \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("number", range(len(code_blocks(STREAMS, "python"))))
def test_the_examples_of_streams_run(number: int, tmp_path: Path) -> None:
    """Each is a program."""
    path = tmp_path / "example.py"
    path.write_text(code_blocks(STREAMS, "python")[number])
    runpy.run_path(str(path), run_name="__main__")


def test_the_readme_names_the_two_commands() -> None:
    """They are what somebody tries first, and the Makefile has them."""
    (commands,) = code_blocks(README, "")[:1]
    expected = ["make demo", "make test"]
    assert expected == commands.split("\n")[:-1]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "test"} <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link inside the project points to a file, and to a heading in it."""
    broken = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        if not linked.exists() or (anchor and anchor not in headings(linked)):
            broken.append(target)
    assert [] == broken


def test_the_pages_have_links() -> None:
    """The readme leads to the pages, or the test above checks nothing."""
    expected = {str(page.relative_to(ROOT)) for page in [CONTRACT, ARCHITECTURE, CHANGELOG]}
    assert expected <= set(links(README))


def test_the_contract_names_everything_public() -> None:
    """Section 6 is the list of names, and each is said more about elsewhere on the page."""
    listed = set(re.findall(r"`(\w+)`", section(CONTRACT, "6 Names")))
    assert set() == set(typedbridge.__all__) - listed
    text = CONTRACT.read_text().replace(section(CONTRACT, "6 Names"), "")
    assert set() == {name for name in typedbridge.__all__ if name not in text}


def test_the_contract_has_the_sections_that_the_code_cites() -> None:
    """Comments and docstrings cite the page by the number of a section."""
    sections = set(re.findall(r"^## (\d+) ", CONTRACT.read_text(), re.MULTILINE))
    cited = set()
    for module in (ROOT / "typedbridge").rglob("*.py"):
        text = re.sub(r"\s+", " ", module.read_text())
        cited |= set(re.findall(r"docs/contract\.md`?, section (\d+)", text))
    assert cited
    assert set() == cited - sections


COMMANDS: Final = ("_commands", "_commands/children", "_commands/doctor", "_commands/migrate")


@pytest.mark.parametrize(
    "folder",
    [
        "typedbridge",
        "typedbridge/_core",
        *(f"typedbridge/{name}" for name in COMMANDS),
        "mypy_plugin",
    ],
)
def test_the_architecture_names_every_module(folder: str) -> None:
    """The list of modules is the list of files."""
    # In an unpacked sdist the plugin is inside the library only.
    modules = ROOT / "typedbridge" / folder.removeprefix("typedbridge").removeprefix("/")
    rows = section(ARCHITECTURE, "The house").partition(f"| `{folder}/` |")[2]
    listed = re.findall(r"^\| `(\w+\.py)` \|", rows.partition("\n\n")[0], re.MULTILINE)
    assert sorted(path.name for path in modules.glob("*.py")) == sorted(listed)


def test_every_folder_of_the_commands_is_in_the_test_above() -> None:
    """A new command's modules are named on the page too."""
    commands = ROOT / "typedbridge" / "_commands"
    folders = {path.parent.relative_to(ROOT / "typedbridge") for path in commands.rglob("*.py")}
    assert set(COMMANDS) == {folder.as_posix() for folder in folders}


def test_the_architecture_lists_the_core_in_the_order_of_its_layers() -> None:
    """The list goes up where import-linter's layers go down; floors of one line are in any order."""
    rows = section(ARCHITECTURE, "The house").partition("| `typedbridge/_core/` |")[2]
    listed = re.findall(r"^\| `([a-z]\w*)\.py` \|", rows.partition("\n\n")[0], re.MULTILINE)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [contract["layers"] for contract in contracts["contracts"] if "layers" in contract]
    floor = {name: -level for level, names in enumerate(layers) for name in names.split(" | ")}
    assert sorted(listed) == sorted(floor)
    assert sorted(listed, key=floor.__getitem__) == listed


def test_the_changelog_has_the_version() -> None:
    """The newest version that the changelog tells of is this one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = re.findall(
        r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", CHANGELOG.read_text(), re.MULTILINE
    )
    assert project["version"] == versions[0]
