CREATE INDEX batch_rows_by_batch ON batch_rows(batch);
CREATE INDEX requests_by_asked ON requests(id, asked);
CREATE UNIQUE INDEX samples_by_index ON samples(request, idx);
CREATE INDEX samples_by_request
        ON samples(
            request, idx, executed, input_tokens, cached_tokens, output_tokens, seconds, usd, choices,
            busy_seconds);
CREATE INDEX samples_executed ON samples(request, idx) WHERE executed;
CREATE INDEX verdicts_imported ON verdicts(request, idx, passed)
        WHERE verifier >= 'imported:' AND verifier < 'imported;';
CREATE TABLE batch_rows (
        request TEXT NOT NULL REFERENCES requests(id),
        idx INTEGER NOT NULL,
        batch TEXT NOT NULL REFERENCES batches(token),
        key TEXT NOT NULL,
        seed INTEGER NOT NULL,
        reserved REAL NOT NULL,
        PRIMARY KEY (request, idx)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE batches (
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
    ) STRICT;
CREATE TABLE cells (
        configuration TEXT NOT NULL REFERENCES configurations(id),
        problem TEXT NOT NULL REFERENCES problems(id),
        split TEXT NOT NULL CHECK (split IN ('train', 'held_out', 'production')),
        request TEXT NOT NULL REFERENCES requests(id),
        verifier TEXT NOT NULL,
        PRIMARY KEY (configuration, problem)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE configurations (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        definition TEXT NOT NULL
    ) STRICT;
CREATE TABLE errors (
        id INTEGER PRIMARY KEY,
        request TEXT NOT NULL REFERENCES requests(id),
        idx INTEGER NOT NULL,
        run INTEGER NOT NULL REFERENCES runs(id),
        kind TEXT NOT NULL,
        message TEXT NOT NULL,
        failed_at TEXT NOT NULL
    , usd REAL) STRICT;
CREATE TABLE plans (
        id TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        text TEXT NOT NULL,
        made_at TEXT NOT NULL
    ) STRICT;
CREATE TABLE problems (
        id TEXT PRIMARY KEY,
        task TEXT NOT NULL,
        name TEXT NOT NULL,
        fields TEXT NOT NULL,
        reference TEXT NOT NULL,
        tags TEXT NOT NULL
    ) STRICT;
CREATE TABLE realised (
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
    ) STRICT, WITHOUT ROWID;
CREATE TABLE requests (
        id TEXT PRIMARY KEY,
        asked INTEGER NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('pilot', 'measure', 'execute')),
        spec TEXT NOT NULL,
        spec_hash TEXT NOT NULL,
        osca TEXT NOT NULL,
        engines TEXT NOT NULL,
        started_at TEXT NOT NULL
    , usd REAL NOT NULL DEFAULT 0) STRICT;
CREATE TABLE samples (
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
    , cached_tokens INTEGER, reasoning_tokens INTEGER, logprobs TEXT, details TEXT, choices INTEGER NOT NULL DEFAULT 1, busy_seconds REAL) STRICT;
CREATE TABLE verdicts (
        request TEXT NOT NULL,
        verifier TEXT NOT NULL,
        idx INTEGER NOT NULL,
        passed INTEGER CHECK (passed IN (0, 1)),
        score REAL,
        answer TEXT,
        reason TEXT NOT NULL,
        verified_at TEXT NOT NULL, usd REAL, output_tokens INTEGER, seconds REAL,
        PRIMARY KEY (request, verifier, idx),
        FOREIGN KEY (request, idx) REFERENCES samples(request, idx)
    ) STRICT, WITHOUT ROWID;
CREATE VIEW v_cells AS
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
        GROUP BY x.configuration, x.problem;
CREATE VIEW v_costs AS
        SELECT c.name AS configuration, count(*) AS samples, sum(s.input_tokens) AS input_tokens,
               sum(s.output_tokens) AS output_tokens, round(sum(s.seconds), 3) AS seconds, sum(s.usd) AS usd
        FROM (SELECT DISTINCT configuration, request FROM cells) x
        JOIN configurations c ON c.id = x.configuration
        JOIN samples s ON s.request = x.request
        GROUP BY x.configuration;
CREATE VIEW v_counted AS
        SELECT s.request, s.idx
        FROM samples s JOIN requests r ON r.id = s.request
        WHERE s.idx < r.asked AND (
            s.executed = 0
            OR r.asked = (SELECT count(*) FROM samples o WHERE o.request = s.request AND o.idx < r.asked));
CREATE VIEW v_pass_rates AS
        SELECT task, configuration, split, count(*) AS problems, sum(n) AS samples, sum(passed) AS passed,
               round(avg(1.0 * passed / n), 4) AS pass_rate, c.definition
        FROM v_cells JOIN configurations c ON c.id = configuration_id
        WHERE n > 0 GROUP BY task, configuration_id, split;
