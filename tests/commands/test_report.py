"""One page for a spec, a plan or an outcomes file: the answer first, and nothing on it that acts."""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from osca_cli.store.pool import Pool
from tests.conftest import SPEC, environment, write_problems

HOSTILE = {
    "script": "</pre><script>alert('owned')</script>",
    "svg": '<svg onload="alert(1)"><image href="http://evil.example/x.png"/></svg>',
    "style": "</style><style>body{display:none}</style>",
    "escape": "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "right to left": "\u202etxt.exe\u202c \u2067x",
    "zero width": "pass\u200bword\ufeff\u2060",
    "null": "a\x00b",
    "template": "{{ 7 * 7 }}{% raw %}",
}


class Page(HTMLParser):
    """What a browser would make of a page, as far as safety goes."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.handlers, self.addresses, self.open, self.scripts = [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name.startswith("on") or name == "style":
                self.handlers.append((tag, name))
            if name in {"src", "href", "action", "data", "srcset", "poster"}:
                self.addresses.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> within <{self.open[-1]}>"
        self.open.pop()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a pilot and its plan, made once."""
    folder = tmp_path_factory.mktemp("planned")
    (folder / "spec.yaml").write_text(SPEC)
    write_problems(folder / "sums.jsonl", 20)
    for words in (["run", "spec.yaml"], ["plan", "spec.yaml"]):
        command = [sys.executable, "-m", "osca_cli", *words]
        subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)
    return folder


@pytest.fixture
def planned(made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def page_of(osca, *args):
    text = osca("report", *args, "-o", "-").out
    page = Page(text)
    assert page.open == []
    assert page.handlers == []
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("script") == 1
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in page.addresses)
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    return text


def test_a_report_of_a_plan_says_what_to_run_before_anything_else(osca, planned):
    text = page_of(osca, "plan.yaml")

    body = text[text.index("<main") :]
    assert body.index("Draw up to 4 samples a problem") < body.index("<svg") < body.index("What more or less")
    assert re.search(r"Solved on new problems</dt><dd>\d+\.\d%", body)
    for title in ("Who passes on what", "What each solves", "How far repeating", "Errors", "Provenance"):
        assert title in body
    assert "Samples to read" in body


def test_a_report_of_a_spec_plans_first_and_writes_no_plan(osca, planned):
    (planned / "plan.yaml").unlink()
    osca("report", "spec.yaml")

    assert "Draw up to 4 samples" in (planned / "report.html").read_text()
    assert not (planned / "plan.yaml").exists()


def test_a_report_of_counts_needs_no_pool(osca, tmp_path):
    rows = [f"p{i},{name},8,{i * k % 9}" for i in range(12) for k, name in enumerate("abc", 1)]
    (tmp_path / "counts.csv").write_text("problem,configuration,n,correct\n" + "\n".join(rows) + "\n")
    result = osca("report", "counts.csv", "--budget", "4")

    assert "wrote report.html" in result.err
    text = (tmp_path / "report.html").read_text()
    assert "Draw up to 4 samples" in text
    assert "Samples to read" not in text


def test_what_a_model_writes_is_read_and_does_nothing(osca, planned):
    with Pool(planned / "osca.db") as pool, pool.writing() as sql:
        for at, text in enumerate([*HOSTILE.values(), "x" * 5_000_000]):
            sql.execute(
                "UPDATE samples SET text = ?1 WHERE rowid IN (SELECT rowid FROM samples LIMIT 6 OFFSET ?2)",
                (text, at * 6),
            )
        sql.execute("UPDATE verdicts SET reason = ?, answer = ?", (HOSTILE["script"], HOSTILE["escape"]))
    text = page_of(osca, "plan.yaml")

    assert len(text) < 1_000_000
    assert "alert(&#39;owned&#39;)" in text
    assert "<script>alert" not in text
    assert "<svg onload" not in text
    assert "</style><style>" not in text
    assert "{{ 7 * 7 }}" in text, "a template is text, too"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", text)
    assert "U+202E" in text
    assert "more characters are left out" in text


def test_the_policy_allows_the_style_and_the_script_of_the_page_alone(osca, planned):
    text = page_of(osca, "plan.yaml")

    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace("&#39;", "'")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", rules["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", rules["style-src"])
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        content = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in rules[rule]


def test_only_a_report_is_overwritten(osca, planned):
    osca("report", "plan.yaml")
    osca("report", "plan.yaml")
    refused = osca("report", "plan.yaml", "-o", "plan.yaml", code=2)

    assert "no osca report" in refused.err
    assert "allocation:" in (planned / "plan.yaml").read_text()


def test_a_plan_that_was_executed_is_held_beside_what_it_expected(osca, planned):
    osca("run", "plan.yaml")
    text = page_of(osca, "plan.yaml")

    assert re.search(r"executed on held-out problems, run \d", text)


def test_failed_verdicts_are_counted_by_what_they_said(osca, planned):
    with Pool(planned / "osca.db") as pool, pool.writing() as sql:
        sql.execute("UPDATE verdicts SET passed = NULL, reason = 'it <b>fell over</b>' WHERE idx = 0")
    text = page_of(osca, "plan.yaml")

    assert "Verifiers that failed" in text
    assert "it &lt;b&gt;fell over&lt;/b&gt;" in text


def test_without_samples_it_says_how_to_get_some(osca, planned):
    with Pool(planned / "osca.db") as pool, pool.writing() as sql:
        sql.execute("DELETE FROM verdicts")

    assert "draw them: osca run spec.yaml" in osca("report", "spec.yaml", code=2).err
