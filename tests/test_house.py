"""The house's own rules: which part may import which, what every file has, what none has."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from osca_cli import __version__
from osca_cli.registry import BUILT_IN
from tests.conftest import ROOT

# From the top down; a part imports parts of lower lines alone. Docs: CONTRIBUTING.md.
LAYERS = [
    {"__main__"},
    {"cli"},
    {"commands"},
    {"api"},
    {"testing"},
    {"report"},
    {"run"},
    {"check"},
    {"plan"},
    {"store", "backends", "console"},
    {"allocate", "spec"},
    {"estimate"},
    {"imports"},
    {"outcomes"},
    {"identity", "registry"},
    {"protocols"},
    {"errors"},
    {"model"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
MATHEMATICS = {"estimate", "allocate"}
# The registry too: a verifier made of others finds them there.
CONTRACTS = {"osca_cli.model", "osca_cli.protocols", "osca_cli.errors", "osca_cli.registry"}
PACKAGES = [ROOT / "osca_cli", ROOT / "backends" / "osca_backends", ROOT / "verifiers" / "osca_verifiers"]
MODULES = [path for package in PACKAGES for path in sorted(package.rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """Yield the full name of each module that a file imports, those included that are for types alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if _is_module(full) else str(node.module)


def _is_module(name: str) -> bool:
    if not name.startswith("osca_"):
        return False
    package, *parts = name.split(".")
    folder = next(path for path in PACKAGES if path.name == package)
    return (folder.joinpath(*parts).with_suffix(".py")).exists() or folder.joinpath(*parts).is_dir()


def ours(path: Path) -> list[str]:
    return [name for name in imported(path) if name.split(".")[0].startswith("osca_")]


def part(name: str) -> str:
    """Return the part of osca_cli that a module belongs to: ``run`` for ``osca_cli.run.pilot``."""
    return [*name.split("."), ""][1]


def core_modules(*parts: str) -> list[Path]:
    folder = ROOT / "osca_cli"
    return [path for path in MODULES if path.is_relative_to(folder) and _part_of(path) in (parts or LEVEL)]


def _part_of(path: Path) -> str:
    return path.relative_to(ROOT / "osca_cli").parts[0].removesuffix(".py")


def tracked_texts() -> Iterator[tuple[Path, str]]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield path, content.decode("utf-8", "replace")


def test_every_part_of_the_core_has_its_layer():
    parts = {_part_of(path) for path in MODULES if path.is_relative_to(ROOT / "osca_cli")} - {"__init__"}

    assert parts - {"templates"} <= set(LEVEL), "a new part: give it a line in LAYERS"


def test_imports_point_one_way():
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in core_modules()
        for name in ours(path)
        if part(name) not in {"", _part_of(path)} and LEVEL[part(name)] <= LEVEL[_part_of(path)]
    ]

    assert wrong == []


def test_the_mathematics_knows_numpy_scipy_and_the_outcomes_alone():
    allowed = {"numpy", "scipy", "numpy.typing"} | sys.stdlib_module_names
    inner = {"osca_cli.outcomes.types", "osca_cli.errors", "osca_cli.model"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in core_modules(*MATHEMATICS)
        for name in imported(path)
        if name.split(".")[0] not in allowed and name not in inner and part(name) not in MATHEMATICS
    ]

    assert wrong == []


def test_backends_and_verifiers_know_the_contracts_alone():
    wrong = []
    for package in PACKAGES[1:]:
        for path in sorted(package.rglob("*.py")):
            foreign = [name for name in ours(path) if not name.startswith(f"{package.name}.")]
            wrong += [f"{path.relative_to(ROOT)} imports {name}" for name in foreign if name not in CONTRACTS]

    assert wrong == []


def test_the_core_imports_no_backend_and_no_verifier():
    names = [name for path in core_modules() for name in ours(path)]

    assert [name for name in names if not name.startswith("osca_cli")] == []


@pytest.mark.parametrize("group", sorted(BUILT_IN))
def test_the_entry_points_of_checkout_and_wheel_are_equal(group):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert dict(BUILT_IN[group]) == project["entry-points"][group]


@pytest.mark.parametrize("target", [t for table in BUILT_IN.values() for t in table.values()])
def test_every_entry_point_is_there(target):
    module, _, attribute = target.partition(":")
    found = importlib.util.find_spec(module)

    assert found is not None
    assert found.origin is not None
    tree = ast.parse(Path(found.origin).read_text())
    assert attribute in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_every_module_says_what_it_is_about():
    silent = [path for path in MODULES if path.read_text().strip() and not _docstring(path)]

    assert silent == []


def _docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text()))


def test_no_file_names_the_place_where_it_was_written():
    # Written so that this file does not match itself.
    place = re.compile(r"(?<![\w.~*])/(?:wo[r]k|roo[t]|opt[/]wheels)/|\bfar[m]s?\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}: {m[0]}" for path, text in tracked_texts() for m in place.finditer(text)
    ]

    assert found == []


def test_every_address_is_one_that_anybody_reaches():
    host = re.compile(r"https?://([\w.-]+)")
    public = re.compile(r"(localhost|127\.0\.0\.1|.*\.(org|com|io|dev|net|co|ai|example|test|invalid))$")
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, text in tracked_texts()
        for name in host.findall(text)
        if "." in name and not public.match(name.rstrip("."))
    }

    assert found == set()


def test_the_changelog_begins_with_this_version():
    path = ROOT / "CHANGELOG.md"
    versions = re.findall(r"^## \[([^\]]+)\]", path.read_text(), re.MULTILINE)

    assert next(version for version in versions if version != "Unreleased") == __version__
