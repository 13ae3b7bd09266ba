"""A spec over a server that fails as told, and short ways to look at what came of it."""

import sqlite3
from pathlib import Path

from tests.faultserver.server import FaultServer, Script

KEY = "sk-test-0123456789abcdefghij"
PROBLEMS, SAMPLES = 10, 4

SPEC = """\
version: 1
backends:
  box:
    type: {type}
    base_url: {url}/v1
    api_key_env: BOX_KEY
    timeout_s: {timeout_s}
    {settings}
    prices: {{"*": {{input: 1000, output: 2000}}}}
tasks:
  - name: sums
    problems: {{source: jsonl, path: sums.jsonl, id: id}}
    verifier: {{type: number}}
configurations:
  - name: one
    model: box/tiny
    temperature: 1
    max_tokens: 16
    prompt: "{{{{ question }}}} [{{{{ answer }}}}]"
pilot: {{samples: 4}}
{limits}
"""


def rows(folder: Path, query: str) -> list[tuple]:
    sql = sqlite3.connect(folder / "osca.db")
    try:
        return sql.execute(query).fetchall()
    finally:
        sql.close()


def first(number: int, fault: Script) -> Script:
    """A script that fails the first requests."""
    return lambda asked: fault(asked) if asked.number < number else None


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def charged(server: FaultServer) -> float:
    """What the server charged, in USD."""
    return (server.charged[0] * 1000 + server.charged[1] * 2000) / 1e6


def spent(folder: Path) -> float:
    """What the pool has recorded as spent, in USD."""
    return rows(folder, "SELECT total(usd) FROM runs")[0][0]
