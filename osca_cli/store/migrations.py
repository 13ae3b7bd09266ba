"""How the pool's tables came to be: an append-only list. A migration that was released is never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("osca")

_TABLES = (
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('pilot', 'measure', 'execute')),
        spec TEXT NOT NULL,
        spec_hash TEXT NOT NULL,
        osca TEXT NOT NULL,
        engines TEXT NOT NULL,
        started_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE problems (
        id TEXT PRIMARY KEY,
        task TEXT NOT NULL,
        name TEXT NOT NULL,
        fields TEXT NOT NULL,
        reference TEXT NOT NULL,
        tags TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE configurations (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        definition TEXT NOT NULL
    ) STRICT""",
    # One row for what is asked of a model, however many cells ask the same. `asked` is how many of its
    # samples pilots and measurements have asked for; pass rates count the indices below it.
    """CREATE TABLE requests (
        id TEXT PRIMARY KEY,
        asked INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX requests_by_asked ON requests(id, asked)",
    # Which request a configuration makes of a problem: what views and browsers of the pool join on.
    """CREATE TABLE cells (
        configuration TEXT NOT NULL REFERENCES configurations(id),
        problem TEXT NOT NULL REFERENCES problems(id),
        split TEXT NOT NULL CHECK (split IN ('train', 'held_out', 'production')),
        request TEXT NOT NULL REFERENCES requests(id),
        verifier TEXT NOT NULL,
        PRIMARY KEY (configuration, problem)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE samples (
        key TEXT PRIMARY KEY,
        request TEXT NOT NULL REFERENCES requests(id),
        idx INTEGER NOT NULL,
        run INTEGER NOT NULL REFERENCES runs(id),
        executed INTEGER NOT NULL,
        seed INTEGER NOT NULL,
        text TEXT NOT NULL,
        finish_reason TEXT NOT NULL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        seconds REAL,
        usd REAL,
        model TEXT,
        drawn_at TEXT NOT NULL
    ) STRICT""",
    # Counting reads this index alone and never the texts.
    """CREATE INDEX samples_by_request
        ON samples(request, idx, executed, input_tokens, output_tokens, seconds, usd)""",
    "CREATE UNIQUE INDEX samples_by_index ON samples(request, idx)",
    # Few, where a plan was executed on problems that pilots ask for too: what counting may have to leave out.
    "CREATE INDEX samples_executed ON samples(request, idx) WHERE executed",
    """CREATE TABLE verdicts (
        request TEXT NOT NULL,
        verifier TEXT NOT NULL,
        idx INTEGER NOT NULL,
        passed INTEGER CHECK (passed IN (0, 1)),
        score REAL,
        answer TEXT,
        reason TEXT NOT NULL,
        verified_at TEXT NOT NULL,
        PRIMARY KEY (request, verifier, idx),
        FOREIGN KEY (request, idx) REFERENCES samples(request, idx)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE errors (
        id INTEGER PRIMARY KEY,
        request TEXT NOT NULL REFERENCES requests(id),
        idx INTEGER NOT NULL,
        run INTEGER NOT NULL REFERENCES runs(id),
        kind TEXT NOT NULL,
        message TEXT NOT NULL,
        failed_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE plans (
        id TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        text TEXT NOT NULL,
        made_at TEXT NOT NULL
    ) STRICT""",
)

_VIEWS = (
    # Samples drawn while executing stop at a pass, so they would bias a pass rate: where a cell is not
    # complete they do not count.
    """CREATE VIEW v_counted AS
        SELECT s.request, s.idx
        FROM samples s JOIN requests r ON r.id = s.request
        WHERE s.idx < r.asked AND (
            s.executed = 0
            OR r.asked = (SELECT count(*) FROM samples o WHERE o.request = s.request AND o.idx < r.asked))""",
    """CREATE VIEW v_cells AS
        SELECT p.task, c.name AS configuration, p.name AS problem, x.split,
               count(v.passed) AS n, coalesce(sum(v.passed), 0) AS passed,
               x.configuration AS configuration_id
        FROM cells x
        JOIN configurations c ON c.id = x.configuration
        JOIN problems p ON p.id = x.problem
        LEFT JOIN v_counted k ON k.request = x.request
        LEFT JOIN verdicts v ON v.request = k.request AND v.verifier = x.verifier AND v.idx = k.idx
        GROUP BY x.configuration, x.problem""",
    """CREATE VIEW v_pass_rates AS
        SELECT task, configuration, split, count(*) AS problems, sum(n) AS samples, sum(passed) AS passed,
               round(avg(1.0 * passed / n), 4) AS pass_rate, c.definition
        FROM v_cells JOIN configurations c ON c.id = configuration_id
        WHERE n > 0 GROUP BY task, configuration_id, split""",
    """CREATE VIEW v_costs AS
        SELECT c.name AS configuration, count(*) AS samples, sum(s.input_tokens) AS input_tokens,
               sum(s.output_tokens) AS output_tokens, round(sum(s.seconds), 3) AS seconds, sum(s.usd) AS usd
        FROM (SELECT DISTINCT configuration, request FROM cells) x
        JOIN configurations c ON c.id = x.configuration
        JOIN samples s ON s.request = x.request
        GROUP BY x.configuration""",
)


def names() -> set[str]:
    """Return the names of all migrations that this osca knows."""
    return {migration.name for migration in migrations._migrations}


@migrations()
def m001_tables(db: Database) -> None:
    """Create every table of the first release."""
    for statement in _TABLES:
        db.execute(statement)


@migrations()
def m002_views(db: Database) -> None:
    """Create the views that answer the common questions without osca."""
    for statement in _VIEWS:
        db.execute(statement)


_MONEY = (
    "ALTER TABLE samples ADD COLUMN cached_tokens INTEGER",
    "ALTER TABLE samples ADD COLUMN reasoning_tokens INTEGER",
    # What a draw that gave no sample may have cost.
    "ALTER TABLE errors ADD COLUMN usd REAL",
    # What a run has spent, and what it has reserved for the requests under way. A run that was killed leaves
    # its reservations here: nobody knows whether they were charged.
    "ALTER TABLE runs ADD COLUMN usd REAL NOT NULL DEFAULT 0",
    "DROP INDEX samples_by_request",
    """CREATE INDEX samples_by_request
        ON samples(request, idx, executed, input_tokens, cached_tokens, output_tokens, seconds, usd)""",
)


@migrations()
def m003_money(db: Database) -> None:
    """Count what servers charge for: cached and reasoning tokens, failed draws, and what runs spend."""
    for statement in _MONEY:
        db.execute(statement)


@migrations()
def m004_logprobs(db: Database) -> None:
    """Keep the log-probabilities of a sample's tokens, in JSON."""
    db.execute("ALTER TABLE samples ADD COLUMN logprobs TEXT")


@migrations()
def m005_details(db: Database) -> None:
    """Keep what a program gives with its answer: its own verdict, its steps, its standard error."""
    db.execute("ALTER TABLE samples ADD COLUMN details TEXT")


_CHOICES = (
    # How many samples the answer held that this one came with: its tokens are an equal share of all of them.
    "ALTER TABLE samples ADD COLUMN choices INTEGER NOT NULL DEFAULT 1",
    "DROP INDEX samples_by_request",
    """CREATE INDEX samples_by_request
        ON samples(
            request, idx, executed, input_tokens, cached_tokens, output_tokens, seconds, usd, choices)""",
)


@migrations()
def m006_choices(db: Database) -> None:
    """Tell samples that shared a prompt, so that one drawn alone can be priced."""
    for statement in _CHOICES:
        db.execute(statement)


_VERDICT_COSTS = (
    # What a judge's samples cost; they are rows of samples too.
    "ALTER TABLE verdicts ADD COLUMN usd REAL",
    "ALTER TABLE verdicts ADD COLUMN output_tokens INTEGER",
    "ALTER TABLE verdicts ADD COLUMN seconds REAL",
)


@migrations()
def m007_verdict_costs(db: Database) -> None:
    """Count what a verdict cost into what its sample did."""
    for statement in _VERDICT_COSTS:
        db.execute(statement)


_IMPORTED = (
    # What other tools have judged; counts look here where a verifier has said nothing.
    """CREATE INDEX verdicts_imported ON verdicts(request, idx, passed)
        WHERE verifier >= 'imported:' AND verifier < 'imported;'""",
    "DROP VIEW v_cells",
    """CREATE VIEW v_cells AS
        SELECT p.task, c.name AS configuration, p.name AS problem, x.split,
               count(v.passed) AS n, coalesce(sum(v.passed), 0) AS passed,
               x.configuration AS configuration_id
        FROM cells x
        JOIN configurations c ON c.id = x.configuration
        JOIN problems p ON p.id = x.problem
        LEFT JOIN v_counted k ON k.request = x.request
        LEFT JOIN verdicts v ON v.request = k.request AND v.idx = k.idx AND v.verifier = coalesce(
            (SELECT o.verifier FROM verdicts o
             WHERE o.request = k.request AND o.verifier = x.verifier AND o.idx = k.idx
                AND o.passed IS NOT NULL),
            (SELECT o.verifier FROM verdicts o
             WHERE o.request = k.request AND o.idx = k.idx
                AND o.verifier >= 'imported:' AND o.verifier < 'imported;' LIMIT 1))
        GROUP BY x.configuration, x.problem""",
)


@migrations()
def m008_imported(db: Database) -> None:
    """Find the verdicts of other tools, and count them where there is none of the task's verifier."""
    for statement in _IMPORTED:
        db.execute(statement)


_BATCHES = (
    # What was handed to a vendor's batch API. It is recorded before the vendor hears of it: `token` is how it
    # is found again where a crash left no `id`. From `sent_at` on it may exist there.
    """CREATE TABLE batches (
        token TEXT PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs(id),
        place TEXT NOT NULL,
        backend TEXT NOT NULL,
        model TEXT NOT NULL,
        size INTEGER NOT NULL,
        price TEXT,
        owner TEXT NOT NULL,
        prepared_at TEXT NOT NULL,
        sent_at TEXT,
        id TEXT,
        ended_at TEXT
    ) STRICT""",
    # The samples that batches still owe. A row goes in the transaction that keeps its sample or error, so
    # that each is settled once, and what is here is neither drawn nor put into another batch.
    """CREATE TABLE batch_rows (
        request TEXT NOT NULL REFERENCES requests(id),
        idx INTEGER NOT NULL,
        batch TEXT NOT NULL REFERENCES batches(token),
        key TEXT NOT NULL,
        seed INTEGER NOT NULL,
        reserved REAL NOT NULL,
        PRIMARY KEY (request, idx)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX batch_rows_by_batch ON batch_rows(batch)",
)


@migrations()
def m009_batches(db: Database) -> None:
    """Remember what was handed to batch APIs, and which samples are still owed."""
    for statement in _BATCHES:
        db.execute(statement)


_EXECUTED = (
    # A sample's share of the time that its backend was busy.
    "ALTER TABLE samples ADD COLUMN busy_seconds REAL",
    "DROP INDEX samples_by_request",
    """CREATE INDEX samples_by_request
        ON samples(
            request, idx, executed, input_tokens, cached_tokens, output_tokens, seconds, usd, choices,
            busy_seconds)""",
    # What a plan did on the problems of one run, beside what it had claimed; `stratum` is its `where`.
    """CREATE TABLE realised (
        run INTEGER NOT NULL REFERENCES runs(id),
        plan TEXT NOT NULL REFERENCES plans(id),
        task TEXT NOT NULL,
        stratum TEXT NOT NULL,
        split TEXT NOT NULL,
        problems INTEGER NOT NULL,
        solved INTEGER NOT NULL,
        samples INTEGER NOT NULL,
        usd REAL,
        output_tokens REAL NOT NULL,
        seconds REAL NOT NULL,
        gpu_seconds REAL,
        pass_rate REAL,
        low REAL,
        high REAL,
        PRIMARY KEY (run, task, stratum)
    ) STRICT, WITHOUT ROWID""",
)


@migrations()
def m010_executed(db: Database) -> None:
    """Keep samples' shares of busy time, and what plans did beside what they had claimed."""
    for statement in _EXECUTED:
        db.execute(statement)
