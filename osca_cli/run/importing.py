"""Takes samples that other tools have drawn into the pool, each once, with the verdicts that they gave."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio

from osca_cli import __version__
from osca_cli.backends import open_backends
from osca_cli.errors import ImportedError, UsageError
from osca_cli.identity import canonical_json, digest
from osca_cli.imports.rows import Row, name_of
from osca_cli.model import Json, Problem, Sample, Split
from osca_cli.run.readiness import make_ready
from osca_cli.run.session import VERIFY_TIME_LIMIT_S
from osca_cli.run.verification import Verification
from osca_cli.spec.cells import Cell, CellMaker
from osca_cli.spec.load import spec_hash
from osca_cli.spec.types import Configuration, Spec, Task
from osca_cli.store.pool import Pool
from osca_cli.store.statements import IMPORTED
from osca_cli.store.values import Drawn, Run


@dataclass(slots=True)
class Imported:
    """What an import did.

    Attributes:
        imported: Samples that are new.
        present: Samples and errors that were there already.
        passed: Of the new samples.
        errors: New entries that are no sample.
        verified: Verdicts given now by the task's own verifier.
        elsewhere: Ids of problems that the task lacks, with how many samples they have.
        configurations: New samples by configuration.
    """

    imported: int = 0
    present: int = 0
    passed: int = 0
    errors: int = 0
    verified: int = 0
    elsewhere: dict[str, int] = field(default_factory=dict)
    configurations: dict[str, int] = field(default_factory=dict)


def import_rows(
    spec: Spec, pool: Pool, task: Task, rows: Iterable[Row], *, configuration: str | None = None
) -> tuple[Imported, list[Cell]]:
    """Take rows into the pool; return what was done, and the cells that they belong to.

    Args:
        spec: The spec in use.
        pool: Where they go.
        task: The task that their problems are of.
        rows: Samples of other tools.
        configuration: Whose samples they are; found by model and parameters where not given.

    Raises:
        UsageError: rows fit none of the task's configurations, or several, or none of its problems.
    """
    done = Imported()
    places = _placed(spec, task, rows, configuration, done)
    if not places:
        raise UsageError(_nothing(task, done))
    maker = CellMaker(spec, open_backends(spec))
    run: Run | None = None
    cells = []
    for problem, split in _sides(task):
        for name, some in places.get(problem.id, {}).items():
            one = next(c for c in spec.configurations if c.name == name)
            [cell] = maker.cells(task, [problem], [one])
            cells.append(cell)
            new = _unknown(pool, cell, some)
            done.present += len(some) - len(new)
            if new:
                run = run or _start(spec, pool, new[0])
                _keep(pool, run, cell, split, new, done)
    return done, cells


def verify_imported(spec: Spec, pool: Pool, cells: Sequence[Cell]) -> int:
    """Judge the imported texts of cells by the task's own verifier; return how many verdicts it gave."""
    make_ready(spec.tasks)

    async def work() -> int:
        number = 0
        async with Verification(os.cpu_count() or 1, VERIFY_TIME_LIMIT_S, spec.path.parent) as verification:
            for cell in cells:
                for index, sample in _texts(pool, cell):
                    verdict = await verification.verify(cell.check, sample.text)
                    pool.add_verdict(cell, index, verdict)
                    number += verdict.passed is not None
        return number

    return anyio.run(work)


def _texts(pool: Pool, cell: Cell) -> list[tuple[int, Sample]]:
    """Return the imported samples of a cell that have a text and no verdict of its verifier yet."""
    verified = pool.verified([cell.request_id])
    lacking = verified.get((cell.request_id, IMPORTED), set()) - verified.get(
        (cell.request_id, cell.check_id), set()
    )
    samples = [(index, pool.sample(cell.request_id, index)) for index in sorted(lacking)]
    return [(index, sample) for index, sample in samples if sample is not None and sample.text]


def _sides(task: Task) -> Iterable[tuple[Problem, Split]]:
    yield from ((problem, "train") for problem in task.train)
    yield from ((problem, "held_out") for problem in task.held_out)


def _placed(
    spec: Spec, task: Task, rows: Iterable[Row], configuration: str | None, done: Imported
) -> dict[str, dict[str, list[Row]]]:
    """Return rows by problem and configuration; note those of problems that the task lacks."""
    ids = {problem.id for problem, _ in _sides(task)}
    chosen: dict[str, str] = {}
    names: dict[str, str] = {}
    placed: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        own = row.fields.get(task.fields.id)
        problem = str(own) if own is not None and str(own) in ids else row.problem
        if problem not in ids:
            done.elsewhere[problem] = done.elsewhere.get(problem, 0) + 1
            continue
        source = canonical_json([row.configuration, row.model, row.parameters])
        if source not in chosen:
            name = _configuration(spec, task, row, configuration).name
            if name in chosen.values():
                raise UsageError(_mixed(name, names, row))
            chosen[source] = name
            names[name] = name_of(row)
        placed[problem][chosen[source]].append(row)
    return placed


def _mixed(name: str, names: Mapping[str, str], row: Row) -> str:
    return (
        f"samples of both '{names[name]}' and '{name_of(row)}' would become those of configuration '{name}';"
        " take one of them with --only GLOB"
    )


def _configuration(spec: Spec, task: Task, row: Row, name: str | None) -> Configuration:
    """Return the configuration of the spec that a row is of."""
    every = spec.configurations_of(task.name)
    wanted = row.configuration if name is None else name
    named = [one for one in every if one.name == wanted]
    if named:
        return named[0]
    names = ", ".join(one.name for one in every)
    if name is not None:
        raise UsageError(
            f"--configuration {name}: task '{task.name}' has no such configuration (it has {names})"
        )
    fitting = [one for one in every if _fits(one, row)]
    if len(fitting) == 1:
        return fitting[0]
    what = "fits several configurations" if fitting else "fits no configuration"
    candidates = ", ".join(one.name for one in fitting) or names
    raise UsageError(
        f"{_described(row)} {what} of task '{task.name}';"
        f" say which it is with --configuration NAME ({candidates})"
    )


def _fits(configuration: Configuration, row: Row) -> bool:
    """Tell whether model and parameters are equal, as far as the log tells them."""
    if row.model is not None and row.model.rsplit("/", 1)[-1] != configuration.model.rsplit("/", 1)[-1]:
        return False
    return row.parameters is None or dict(row.parameters) == dict(configuration.parameters)


def _described(row: Row) -> str:
    parameters = "its parameters are not told"
    if row.parameters is not None:
        parameters = ", ".join(f"{key} {value}" for key, value in row.parameters.items()) or "no parameters"
    return f"a sample of model '{row.model or 'unknown'}' ({parameters})"


def _nothing(task: Task, done: Imported) -> str:
    if not done.elsewhere:
        return "there is no sample to import"
    ids = ", ".join(list(done.elsewhere)[:5])
    known = ", ".join(problem.id for problem, _ in list(_sides(task))[:3])
    return f"task '{task.name}' has none of the problems of these samples, such as {ids} (it has {known}…)"


def _key(row: Row, cell: Cell) -> str:
    """Return the identity of an imported sample: what its tool knows it by, in the cell that it is put in."""
    return digest({"imported": row.key, "request": cell.request_id})


def _unknown(pool: Pool, cell: Cell, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that the pool does not have yet."""
    sql = pool.connection
    samples = {key for (key,) in sql.execute("SELECT key FROM samples WHERE request = ?", (cell.request_id,))}
    query = "SELECT message FROM errors WHERE request = ? AND kind = 'ImportedError'"
    messages = {message for (message,) in sql.execute(query, (cell.request_id,))}
    return [row for row in rows if _key(row, cell) not in samples and _message(row, cell) not in messages]


def _message(row: Row, cell: Cell) -> str:
    return f"{(row.error or '')[:500]} [{_key(row, cell)}]"


def _start(spec: Spec, pool: Pool, row: Row) -> Run:
    engines: Mapping[str, Json] = {"import": {"format": row.key["format"], "log": row.key["log"]}}
    return pool.start_run(
        "pilot", spec=spec.path, spec_hash=spec_hash(spec), osca=__version__, engines=engines
    )


def _keep(pool: Pool, run: Run, cell: Cell, split: Split, rows: Sequence[Row], done: Imported) -> None:
    """Keep new rows of a cell: they fill what its pilot lacks, and go on where it ends."""
    samples = [row for row in rows if row.sample is not None and row.verdict is not None]
    taken = pool.drawn([cell.request_id]).get(cell.request_id, set())
    free = [index for index in range(len(taken) + len(samples)) if index not in taken][: len(samples)]
    asked = pool.asked(cell.request_id)
    beyond = sum(index >= asked for index in free)
    # What is beyond counts too, and no more: samples that a plan has drawn there stopped at a pass.
    pool.register([cell], split, asked=asked + beyond)
    drawn = [
        Drawn(index, row.sample, _key(row, cell), 0)
        for index, row in zip(free, samples, strict=True)
        if row.sample is not None
    ]
    pool.add_samples(run, cell, drawn)
    for index, row in zip(free, samples, strict=True):
        if row.verdict is not None:
            pool.add_verdict(replace(cell, check_id=f"{IMPORTED}{row.scorer}"), index, row.verdict)
            done.passed += row.verdict.passed is True
    name = cell.configuration.name
    done.imported += len(drawn)
    done.configurations[name] = done.configurations.get(name, 0) + len(drawn)
    for row in rows:
        if row.sample is None or row.verdict is None:
            pool.add_error(run, cell, 0, ImportedError(_message(row, cell)))
            done.errors += 1
