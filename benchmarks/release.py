"""The OSCA release replanned: pass@C beside the release's own figures, baselines and compute factors.

    python benchmarks/release.py [DATA/osca-release]

Estimator and split are the paper's; the solver is exact. `needs` is how many samples a baseline takes, on
the same test problems, to solve what the plan solves with C: the compute factor is that over C.
"""

from __future__ import annotations

import sys
from pathlib import Path

from osca_cli.estimate.heldout import samples_needed
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Outcomes
from osca_cli.plan.planner import make_plan
from osca_cli.plan.result import Plan
from osca_cli.spec.types import Budget

# Of the release's notebook, where it was run: test pass@C of its hill climbing, best pure configuration, and
# uniform draws with replacement (ours is a round-robin).
PUBLISHED = {
    "bcb_results": {
        2: (0.3906, 0.3788, 0.356),
        4: (0.5079, 0.4680, 0.440),
        8: (0.6056, 0.5709, 0.521),
        16: (0.6933, 0.6389, 0.595),
        32: (0.7559, 0.6895, 0.670),
        64: (0.7992, 0.7389, 0.740),
        128: (0.8415, 0.7850, 0.800),
    },
    "swebench_agentless": {},
}
BUDGETS = {"bcb_results": (1, 2, 4, 8, 16, 32, 64, 128, 256), "swebench_agentless": (1, 2, 4, 8, 16)}
# What users would draw by habit: a low temperature. The paper's largest factors are over such a default.
DEFAULTS = {
    "bcb_results": ("Qwen_0.2", "Llama_0.2", "Qwen_1.4"),
    "swebench_agentless": ("gpt4o_0.4", "gpt4o_0.8"),
}


def main(folder: Path) -> None:
    for name, budgets in BUDGETS.items():
        outcomes = read_outcomes(folder / f"{name}.json")
        defaults = DEFAULTS[name]
        print(f"\n{name}: {outcomes.train.sum()} training and {outcomes.held_out.sum()} test problems")
        head = ["C", "osca", "release", "gap", "best pure", "release", "uniform", "release"]
        head += ["best pure needs", *(f"{default} needs" for default in defaults), "seconds"]
        print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
        for budget in budgets:
            plan = make_plan(
                outcomes, Budget("samples", budget), task=name, estimator="plugin", solver="exact"
            )
            print(
                "| " + " | ".join(row(outcomes, plan, budget, PUBLISHED[name].get(budget), defaults)) + " |"
            )
        if plan.in_sample:
            print(plan.notes[0])


def row(
    outcomes: Outcomes,
    plan: Plan,
    budget: int,
    published: tuple[float, float, float] | None,
    defaults: tuple[str, ...],
) -> list[str]:
    ours = [one.held_out.pass_rate for one in (plan, plan.best_pure, plan.uniform) if one.held_out]
    theirs = [f"{value:.4f}" for value in published] if published else ["", "", ""]
    needs = [factor(outcomes, name, ours[0], budget) for name in (plan.best_pure.name, *defaults)]
    own, pure, even = (f"{value:.4f}" for value in ours)
    certificate = plan.certificate
    gap, seconds = f"{max(certificate.gap, 0):.0e}", f"{certificate.seconds:.2f}"
    return [str(budget), own, theirs[0], gap, pure, theirs[1], even, theirs[2], *needs, seconds]


def factor(outcomes: Outcomes, configuration: str, pass_rate: float, budget: int) -> str:
    needed = samples_needed(outcomes, configuration, pass_rate, outcomes.held_out)
    most = int(outcomes.n.max())
    return f"{needed / budget:.1f}x" if needed else f">{most / budget:.1f}x"


if __name__ == "__main__":
    main(Path(*sys.argv[1:] or ["../shared/data/osca-release"]))
