"""Logs as other tools write them, for a few sums of two models' temperatures."""

import json
from pathlib import Path

# By temperature, whether each of two samples of each problem passes.
PASSES = {0.5: {"p0": [True, True], "p1": [True, False]}, 1.0: {"p0": [False, True], "p1": [False, False]}}
TEXTS = {True: "It is {answer}.", False: "I do not know 999999."}


def text(problem: str, passed: bool) -> str:
    return TEXTS[passed].format(answer=3 * int(problem[1:]))


def write_lines(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_samples(path: Path) -> Path:
    """What ``osca export`` writes, in short."""
    rows = [
        {"configuration": f"small/{temperature}/prompt1", "problem": problem, "text": text(problem, passed),
         "passed": passed, "output_tokens": 4, "seconds": 0.5}
        for temperature, problems in PASSES.items()
        for problem, verdicts in problems.items()
        for passed in verdicts
    ]  # fmt: skip
    return write_lines(path, rows)


def write_lm_eval(folder: Path) -> Path:
    """The samples of lm-evaluation-harness, filtered in two ways, and the results that name the model."""
    date = "2026-07-01T10-00-00.000000"
    rows = [
        {"doc_id": number, "doc": {"id": problem, "question": "?"}, "target": "0",
         "arguments": {"gen_args_0": {"arg_0": "?", "arg_1": {"until": ["\n"]}}},
         "resps": [[text(problem, passed)]], "filtered_resps": ["0"], "filter": chosen,
         "metrics": ["exact_match"], "exact_match": float(passed and chosen == "flexible-extract"),
         "doc_hash": "d", "prompt_hash": "p", "target_hash": "t"}
        for chosen in ("strict-match", "flexible-extract")
        for number, (problem, passed) in enumerate([("p0", True), ("p1", False), ("p2", True)])
    ]  # fmt: skip
    config = {"model": "local-chat-completions", "model_args": "model=org/small,num_concurrent=1"}
    (folder / f"results_{date}.json").write_text(json.dumps({"results": {}, "config": config}))
    return write_lines(folder / f"samples_sums_{date}.jsonl", rows)


def write_evalplus(path: Path) -> Path:
    """The results of EvalPlus: base tests and more."""
    samples = {
        problem: [
            {"task_id": problem, "solution": text(problem, passed), "base_status": "pass",
             "plus_status": "pass" if passed else "timeout", "base_fail_tests": [], "plus_fail_tests": []}
            for passed in verdicts
        ]
        for problem, verdicts in PASSES[0.5].items()
    }  # fmt: skip
    path.write_text(json.dumps({"date": "2026-07-01 10:00", "hash": "h", "eval": samples}))
    return path


def write_bigcodebench(path: Path) -> Path:
    """The results of BigCodeBench."""
    statuses = {"p0": ["pass", "fail"], "p1": ["timeout"]}
    samples = {
        problem: [{"task_id": problem, "solution": "x", "status": status, "details": {}} for status in some]
        for problem, some in statuses.items()
    }
    path.write_text(json.dumps({"date": "2026-07-01 10:00", "eval": samples}))
    return path


def write_promptfoo(path: Path) -> Path:
    """The results of promptfoo 0.121: two samples of two tests with two providers, and an error."""
    results = [
        {"id": f"{temperature}-{problem}-{number}", "promptId": "i", "promptIdx": 0, "testIdx": 2 * number,
         "provider": {"id": "openai:chat:small", "label": f"small at {temperature}"},
         "prompt": {"raw": "?", "label": "{{question}}"}, "vars": {"id": problem, "question": "?"},
         "testCase": {"vars": {"id": problem, "question": "?"}}, "success": passed, "score": int(passed),
         "failureReason": 0 if passed else 1, "latencyMs": 500, "cost": 0,
         "error": None if passed else "Expected output to match regex",
         "gradingResult": {"pass": passed, "score": int(passed), "reason": "All assertions passed"},
         "response": {"output": text(problem, passed), "finishReason": "stop",
                      "tokenUsage": {"total": 9, "prompt": 5, "completion": 4}}}
        for number in (0, 1)
        for temperature, problems in PASSES.items()
        for problem, verdicts in problems.items()
        for passed in [verdicts[number]]
    ]  # fmt: skip
    broken = results[0] | {"success": False, "failureReason": 2, "error": "API error: 500", "response": {}}
    providers = [
        {"id": "openai:chat:small", "label": f"small at {temperature}",
         "config": {"apiKey": "[REDACTED]", "temperature": temperature, "max_tokens": 64}}
        for temperature in PASSES
    ]  # fmt: skip
    document = {
        "evalId": "eval-1",
        "results": {"version": 3, "results": [*results, broken], "stats": {}},
        "config": {"providers": providers},
    }
    path.write_text(json.dumps(document))
    return path


def write_inspect(path: Path, temperature: float) -> Path:
    """A log of Inspect AI, written by its own functions."""
    from inspect_ai.log import (
        EvalConfig,
        EvalDataset,
        EvalError,
        EvalLog,
        EvalSample,
        EvalSpec,
        write_eval_log,
    )
    from inspect_ai.model import GenerateConfig, ModelOutput, ModelUsage
    from inspect_ai.scorer import Score

    def sample(problem: str, epoch: int, passed: bool | None) -> EvalSample:
        output = ModelOutput.from_content("openai/small", text(problem, bool(passed)))
        output.usage = ModelUsage(input_tokens=5, output_tokens=4, total_tokens=9)
        failed = EvalError(message="server gone", traceback="", traceback_ansi="")
        return EvalSample(
            id=problem,
            epoch=epoch,
            input="?",
            target="0",
            output=output,
            scores=None if passed is None else {"match": Score(value="C" if passed else "I", answer="6")},
            error=failed if passed is None else None,
            model_usage={"openai/small": output.usage},
            total_time=0.5,
            working_time=0.25,
        )

    log = EvalLog(
        status="success",
        eval=EvalSpec(
            created="2026-07-01T10:00:00+00:00",
            eval_id=f"log-{temperature}",
            task="sums",
            dataset=EvalDataset(sample_ids=[*PASSES[temperature], "p2"])
            if path.suffix == ".eval"
            else EvalDataset(),
            model="openai/small",
            model_generate_config=GenerateConfig(temperature=temperature, max_tokens=64),
            config=EvalConfig(epochs=2),
        ),
        samples=[
            *(
                sample(problem, epoch, passed)
                for problem, verdicts in PASSES[temperature].items()
                for epoch, passed in enumerate(verdicts, start=1)
            ),
            sample("p2", 1, None),
        ],
    )
    write_eval_log(log, str(path))
    return path
