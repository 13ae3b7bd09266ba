"""The texts of what is asked of the pool, and written to it."""

from __future__ import annotations

# What is there already is not written again. A production problem may be one of the spec's: it stays that.
REGISTER_REQUEST = """
    INSERT INTO requests (id, asked, body) VALUES (?,?,?)
    ON CONFLICT (id) DO UPDATE SET asked = excluded.asked WHERE excluded.asked > asked
"""
REGISTER_CELL = """
    INSERT INTO cells (configuration, problem, split, request, verifier) VALUES (?,?,?,?,?)
    ON CONFLICT (configuration, problem) DO UPDATE SET
        split = iif(excluded.split = 'production', split, excluded.split),
        request = excluded.request,
        verifier = excluded.verifier
    WHERE (request, verifier) IS NOT (excluded.request, excluded.verifier)
        OR split IS NOT iif(excluded.split = 'production', split, excluded.split)
"""

ADD_SAMPLE = "INSERT OR IGNORE INTO samples VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
ADD_ERROR = "INSERT INTO errors (request, idx, run, kind, message, failed_at, usd) VALUES (?,?,?,?,?,?,?)"
# A pass or fail is never replaced by an error.
ADD_VERDICT = """
    INSERT INTO verdicts VALUES (?,?,?,?,?,?,?,?,?,?,?)
    ON CONFLICT DO UPDATE SET
        passed = excluded.passed, score = excluded.score, answer = excluded.answer, reason = excluded.reason,
        verified_at = excluded.verified_at, usd = excluded.usd, output_tokens = excluded.output_tokens,
        seconds = excluded.seconds
    WHERE excluded.passed IS NOT NULL OR passed IS NULL
"""
VERDICT = """
    SELECT passed, answer, score, reason, usd, output_tokens, seconds FROM verdicts
    WHERE request = ? AND verifier = ? AND idx = ? AND passed IS NOT NULL
"""
IMPORTED_VERDICT = """
    SELECT passed, answer, score, reason FROM verdicts INDEXED BY verdicts_imported
    WHERE request = ? AND idx = ? AND verifier >= 'imported:' AND verifier < 'imported;'
"""
IMPORTED = "imported:"
"""What the hash of a verdict begins with that another tool has given; its scorer follows."""
