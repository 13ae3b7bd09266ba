"""The page on verifiers is true: every row of its tables is judged, its example is installed."""

import re
from pathlib import Path

import anyio
import pytest
import yaml

from osca_cli import registry
from osca_cli.model import Check, Problem
from osca_cli.registry import BUILT_IN, verifier_class
from osca_cli.run.verification import Verification

PAGE = (Path(__file__).parents[2] / "docs" / "verifiers.md").read_text()


def rows():
    for line in PAGE.splitlines():
        cells = [cell.strip().removeprefix("`").removesuffix("`") for cell in line.split("|")[1:-1]]
        if len(cells) == 5 and cells[0].startswith("{"):
            yield cells


def scalar(cell):
    return yaml.safe_load(cell) if re.fullmatch(r"-?[0-9.]+", cell) else cell or None


@pytest.mark.parametrize("cells", list(rows()), ids=" ".join)
def test_a_row_of_the_page_is_true(cells):
    written, reference, text, verdict, answer = cells
    settings = yaml.safe_load(written.replace("[yes, no]", "['yes', 'no']"))
    verifier = verifier_class(settings.pop("type"))(settings)
    problem = Problem(task="t", id="p", fields={"language": "python"}, reference=scalar(reference))
    found = verifier.verify(text.replace("⏎", "\n"), verifier.reads(problem, {}))
    assert found.passed is {"pass": True, "fail": False}[verdict]
    assert found.answer == (answer or None)


def test_every_verifier_has_rows():
    shown = {yaml.safe_load(cells[0])["type"] for cells in rows()}
    assert shown == set(BUILT_IN["osca.verifiers"]) - {
        "judge",
        "reported",
        "reasoning_gym",
        "python_tests",
        "code_tests",
    }  # more than a text
    assert len(list(rows())) > 35


def test_the_example_of_a_third_party_is_found_by_its_entry_point(tmp_path, monkeypatch):
    source, suite = re.findall(r"```python\n(from osca_cli.*?)```", PAGE, re.DOTALL)
    group, entry = re.findall(r'entry-points\."(.+?)"\]\n(.+?)\n', PAGE)[0]
    (tmp_path / "my_package.py").write_text(source)
    metadata = tmp_path / "my_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{entry.replace(chr(34), '')}\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    async def judge(*texts):
        async with Verification(1, 30) as verification:
            check = Check("palindrome", 1, {"shortest": 3}, {"letter": "n"})
            return [(await verification.verify(check, text)).passed for text in texts]

    assert anyio.run(judge, "Anna", "nn", "otto", "banana") == [True, False, False, False]
    monkeypatch.setattr(registry, "_targets", registry._targets.__wrapped__)
    names: dict[str, type] = {}
    exec(suite, names)
    names["TestPalindrome"]().test_it_passes_what_is_right_and_fails_what_is_wrong()
