"""``osca check-verifier``: does a verifier pass what is right, and fail what is wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from osca_cli.commands.common import db_option, find_spec, json_option, load, sandbox_option, spec_argument
from osca_cli.console import harmless, interval_text, news, percent, print_json, print_table
from osca_cli.estimate.intervals import share_interval
from osca_cli.run.audit import Audited, audit, labelled, planted
from osca_cli.run.missing import Filter
from osca_cli.spec.types import Spec, Task

MOST_SHOWN = 5


@click.command(
    "check-verifier", epilog="Example: osca check-verifier spec.yaml --write 'Answer: {{ reference }}'"
)
@spec_argument
@click.option("--task", help="Only this task.")
@click.option("--limit", type=click.IntRange(1), help="At most so many problems of each task.")
@click.option(
    "--write",
    "template",
    default="{{ reference }}",
    show_default=True,
    help="How a model would write an answer: a Jinja2 template.",
)
@click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Audit with judged texts instead: lines of {problem, text, passed}.",
)
@sandbox_option
@json_option
@db_option
def command(
    spec: Path | None,
    task: str | None,
    limit: int | None,
    template: str,
    labels: Path | None,
    as_json: bool,
    db: Path,
) -> int:
    """Audit the verifiers of SPEC: references must pass, and wrong answers planted in their place must fail.

    Nothing is drawn or kept. With --labels the texts are yours, and the rates are those of real answers.
    Status 3 if a verdict is wrong, or an error.

    The JSON has, for each task: kinds (kind, right, texts, passed, errors), false_accepts and false_rejects
    (rate, interval, wrong, texts), and wrong (problem, kind, text, passed, answer, reason).
    """
    loaded = load(find_spec(spec, db))
    chosen = Filter(task=task, limit=limit)
    found = {
        one.name: _audited(loaded, one, chosen, template, labels)
        for one in chosen.tasks(loaded)
        if one.verifier
    }
    facts = {name: _facts(audited) for name, audited in found.items()}
    if as_json:
        print_json({"schema_version": 1, "spec": str(loaded.path), "tasks": facts})
    else:
        for name, fact in facts.items():
            _print(name, fact)
    return 3 if any(fact["wrong"] for fact in facts.values()) else 0


def _audited(spec: Spec, task: Task, chosen: Filter, template: str, labels: Path | None) -> list[Audited]:
    problems = chosen.problems([*task.train, *task.held_out])
    texts = labelled(task, problems, labels) if labels else planted(task, problems, template)
    return audit(spec, task, list(texts))


def _facts(audited: Sequence[Audited]) -> dict[str, Any]:
    kinds = dict.fromkeys((one.text.kind, one.text.right) for one in audited)
    return {
        "kinds": [_kind(kind, right, audited) for kind, right in kinds],
        "false_accepts": _rate([one for one in audited if not one.text.right]),
        "false_rejects": _rate([one for one in audited if one.text.right]),
        "wrong": [_shown(one) for one in audited if one.wrong],
    }


def _kind(kind: str, right: bool, audited: Sequence[Audited]) -> dict[str, Any]:
    mine = [one.verdict.passed for one in audited if (one.text.kind, one.text.right) == (kind, right)]
    return {
        "kind": kind,
        "right": right,
        "texts": len(mine),
        "passed": mine.count(True),
        "errors": mine.count(None),
    }


def _rate(audited: Sequence[Audited]) -> dict[str, Any]:
    """Return how often the verdict is wrong, of those that were no errors."""
    judged = [one for one in audited if one.verdict.passed is not None]
    wrong = sum(one.wrong for one in judged)
    rate, interval = share_interval(wrong, len(judged))
    return {"rate": rate if judged else None, "interval": interval, "wrong": wrong, "texts": len(judged)}


def _shown(one: Audited) -> dict[str, Any]:
    return {
        "problem": one.text.problem.id,
        "kind": one.text.kind,
        "text": one.text.text,
        "passed": one.verdict.passed,
        "answer": one.verdict.answer,
        "reason": one.verdict.reason,
    }


def _print(task: str, fact: dict[str, Any]) -> None:
    rows = [
        [
            kind["kind"],
            "pass" if kind["right"] else "fail",
            str(kind["texts"]),
            str(kind["passed"]),
            str(kind["errors"]),
        ]
        for kind in fact["kinds"]
    ]
    print_table(f"task {task}", ["text", "should", "texts", "passed", "errors"], rows)
    for name in ("false_accepts", "false_rejects"):
        rate = fact[name]
        click.echo(
            f"{name.replace('_', ' ')}: {rate['wrong']} of {rate['texts']},"
            f" {percent(rate['rate'])} (95% interval {interval_text(rate['interval'])}%)"
        )
    for one in fact["wrong"][:MOST_SHOWN]:
        verdict = {True: "passed", False: "failed", None: "was an error"}[one["passed"]]
        text = harmless(" ".join(one["text"].split()), 60)
        news(f"problem {one['problem']}: {one['kind']} {verdict}: '{text}' ({harmless(one['reason'])})")
    if len(fact["wrong"]) > MOST_SHOWN:
        news(f"and {len(fact['wrong']) - MOST_SHOWN} more; --json has all")
