"""What every verifier must do, as tests that a plug-in's author inherits.

::

    class TestMine(VerifierConformance):
        settings = {"type": "palindrome"}
        problem = Problem("words", "p1", fields={"letter": "n"})
        right = "Anna"
        wrong = "banana"

Run by pytest, which need not be installed to import this module. The verifier is found by its entry point and
judges in a worker process, as in a run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

import anyio

from osca_cli.identity import canonical_json
from osca_cli.model import Check, Json, Problem, Verdict
from osca_cli.protocols import Verifier
from osca_cli.registry import verifier_class
from osca_cli.run.verification import Verification

HOSTILE = (
    "",
    " \n\t",
    "\x00\x1b[2J\x1b]0;title\x07",
    "half a pair \ud800",
    "\u202eright to left\u200b zero width",
    "9" * 100_000,
    "[" * 50_000,
    '{"a":' * 20_000,
    "\\boxed{" * 20_000,
    "```\n" * 20_000,
    "word " * 50_000,
    "<script>alert(1)</script>",
    "__import__('os').system('false')",
)
"""Texts that a model may write, and that no verifier may stumble over."""


class VerifierConformance:
    """Inherit, and say which verifier, on which problem, passes and fails what.

    Attributes:
        settings: The verifier as a spec writes it, its ``type`` included.
        problem: A problem that has what the verifier reads.
        right: A text that passes.
        wrong: A text that fails.
        variables: The configuration's ``vars``.
        time_limit_s: How long one verdict may take.
    """

    settings: ClassVar[Mapping[str, Json]]
    problem: ClassVar[Problem]
    right: ClassVar[str]
    wrong: ClassVar[str]
    variables: ClassVar[Mapping[str, Json]] = {}
    time_limit_s: ClassVar[float] = 30.0

    def test_its_version_is_a_number(self) -> None:
        """Raising it verifies a pool again, so it must be a whole number."""
        version: object = self._verifier().version
        assert isinstance(version, int)
        assert version >= 1

    def test_what_it_reads_is_json_and_the_same_each_time(self) -> None:
        """What a verdict depends on is hashed: it must be JSON, and must not change by itself."""
        first, second = (self._verifier().reads(self.problem, self.variables) for _ in range(2))
        assert canonical_json(first) == canonical_json(second)
        assert json.loads(json.dumps(first)) == json.loads(canonical_json(first))

    def test_it_passes_what_is_right_and_fails_what_is_wrong(self) -> None:
        """The two texts get their verdicts, and the same ones again after any other text."""
        right, wrong, again = self._judge(self.right, self.wrong, self.right)
        assert (right.passed, wrong.passed) == (True, False)
        assert again == right

    def test_a_verdict_is_plain_data(self) -> None:
        """Answers and reasons are texts, a score is a number."""
        for verdict in self._judge(self.right, self.wrong):
            answer, reason, score = (getattr(verdict, name) for name in ("answer", "reason", "score"))
            assert answer is None or isinstance(answer, str)
            assert isinstance(reason, str)
            assert score is None or isinstance(score, int | float)

    def test_hostile_texts_get_a_verdict_in_time(self) -> None:
        """Whatever a model writes is passed or failed: an error would be tried again on every run."""
        verdicts = self._judge(*HOSTILE)
        errors = [
            f"{text[:20]!r}: {verdict.reason}"
            for text, verdict in zip(HOSTILE, verdicts, strict=True)
            if verdict.passed is None
        ]
        assert not errors, "\n".join(errors)

    def _verifier(self) -> Verifier:
        return verifier_class(str(self.settings["type"]))(self._own())

    def _own(self) -> dict[str, Json]:
        return {key: value for key, value in self.settings.items() if key != "type"}

    def _judge(self, *texts: str) -> list[Verdict]:
        verifier = self._verifier()
        given = verifier.reads(self.problem, self.variables)
        check = Check(str(self.settings["type"]), verifier.version, self._own(), given)

        async def judge() -> list[Verdict]:
            async with Verification(1, self.time_limit_s) as verification:
                return [await verification.verify(check, text) for text in texts]

        return anyio.run(judge)
