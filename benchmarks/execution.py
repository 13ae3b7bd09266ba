"""Executing a plan on real counts: static, stopping, sharing the budget, giving up, at equal mean samples.

    python benchmarks/execution.py [DATA] [--replays 400] [--estimator auto|plugin]

Plans learn from the training problems of the OSCA release's BigCodeBench-Hard (70), with all their samples,
and are executed on its 78 test problems. A replay draws the samples of every test cell without replacement:
each configuration's first, second… sample passes or fails as the release's did, in a random order. Rates are
means over replays; ± is their standard deviation: what one batch of 78 problems may show.

`static` draws the whole schedule. `stopping` stops a problem at its first pass, and has the longest schedule
whose spend, by the plan's own estimate, is the budget: nothing holds it to that. `shared` is
`budget: {share: problems}`: it takes turns until the batch has spent the budget, and never spends more.
`gives up` is shared with `run: {give_up: 100}`: the problems that are left when one more solved problem is
expected to cost more than so many samples stay unsolved, and the rest of the budget unspent; `shared, equal
spend` is what sharing solves with just as many samples.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from osca_cli.allocate.schedule import expected_spend, survival
from osca_cli.outcomes.files import read_outcomes
from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.budgets import limits_of
from osca_cli.plan.choice import Choice, Estimator, fraction, learn
from osca_cli.plan.decision import Search
from osca_cli.plan.manner import Manner
from osca_cli.plan.replay import failure_of, failures
from osca_cli.spec.types import Budget

BUDGETS = (4, 8, 16, 32, 64)
TARGETS = {8: 0.69, 16: 0.78, 32: 0.84}
PRICES = (30, 100, 300)
NEVER = 10**9


def chosen(train: Outcomes, samples: int, estimator: Estimator, manner: Manner) -> tuple[Choice, Floats]:
    """Return a choice for a budget in samples, and the share of problems that its order leaves unsolved."""
    limits = limits_of(train, Budget("samples", samples))
    known = learn(train, estimator, manner.reach(limits))
    choice = Search(manner=manner).chosen(train, limits, known.rows)
    return choice, survival(known.rows, choice.order)


def first_passes(test: Outcomes, rng: np.random.Generator) -> Ints:
    """Return which sample of each cell is the first to pass, samples in a random order, shape ``(S, P)``."""
    first = np.full(test.n.shape, NEVER)
    for s, p in np.argwhere(test.c > 0):
        order = rng.permutation(test.n[s, p])[: test.c[s, p]]
        first[s, p] = order.min()
    return first


def solved_by(first: Ints, order: Sequence[int]) -> Ints:
    """Return after how many samples of an order each problem is solved, shape ``(P,)``."""
    steps = np.full(first.shape[1], NEVER)
    drawn = np.zeros(len(first), np.int64)
    for step, s in enumerate(order):
        passes = (first[s] == drawn[s]) & (steps == NEVER)
        steps[passes] = step + 1
        drawn[s] += 1
    return steps


def shared(steps: Ints, length: int, budget: float) -> tuple[float, float]:
    """Return the pass rate and mean samples of a batch that takes turns along an order of a length."""
    left = int(budget * len(steps) + 1e-9)
    spent, solved = 0, 0
    for step in range(length):
        unsolved = np.flatnonzero(steps > step)
        drawn = unsolved[: left - spent]
        spent += len(drawn)
        solved += int((steps[drawn] == step + 1).sum())
        if len(drawn) < len(unsolved):
            break
    return solved / len(steps), spent / len(steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data"))
    parser.add_argument("--replays", type=int, default=400)
    parser.add_argument("--estimator", default="auto", choices=["auto", "plugin"])
    arguments = parser.parse_args()
    outcomes = read_outcomes(arguments.data / "osca-release" / "bcb_results.json")
    outcomes = replace(outcomes, max_samples=outcomes.n.min(axis=1))
    train, test = outcomes.select(problems=outcomes.train), outcomes.select(problems=outcomes.held_out)
    rng = np.random.default_rng(0)
    draws = [first_passes(test, rng) for _ in range(arguments.replays)]
    by_budget(train, draws, arguments.estimator)
    by_price(train, draws, arguments.estimator)
    to_pass_best_pure(train, test, arguments.estimator)


def by_budget(train: Outcomes, draws: Sequence[Ints], estimator: Estimator) -> None:
    """Print what each way solves at equal mean samples a problem."""
    print("Pass rate at equal mean samples a problem; samples used in brackets where fewer or not fixed.\n")
    print("| samples | best pure | static | stopping | shared | at least | gives up | shared, equal spend |")
    print("|---|---|---|---|---|---|---|---|")
    deep, unsolved = chosen(train, 256, estimator, Manner())
    for budget in BUDGETS:
        choice, _ = chosen(train, budget, estimator, Manner(shares=True))
        price = Manner(shares=True, give_up=100.0)
        cut, _ = chosen(train, budget, estimator, price)
        pure = first_passes_of(draws, choice.best_pure[0])
        depth = max(
            d for d in range(len(unsolved)) if expected_spend(unsolved[: d + 1], np.ones(d)) <= budget
        )
        steps = [solved_by(first, choice.order) for first in draws]
        stopping = [solved_by(first, deep.schedule[:depth]) for first in draws]
        together = np.array([shared(one, len(choice.order), budget) for one in steps])
        given = np.array([shared(solved_by(first, cut.order), len(cut.order), budget) for first in draws])
        equal = [
            shared(one, len(choice.order), spent)[0] for one, (_, spent) in zip(steps, given, strict=True)
        ]
        print(
            f"| {budget} | {told(pure < budget)} | {told([one <= budget for one in steps])}"
            f" | {told([one <= depth for one in stopping])}"
            f" ({np.mean([np.minimum(one, depth).mean() for one in stopping]):.1f})"
            f" | {told(together[:, 0])} ({together[:, 1].max():.2f} at most) | {TARGETS.get(budget, '')}"
            f" | {told(given[:, 0])} ({given[:, 1].mean():.1f}) | {told(equal)} |"
        )


def first_passes_of(draws: Sequence[Ints], configuration: int) -> Ints:
    return np.array([first[configuration] for first in draws])


def told(solved: object) -> str:
    rates = np.asarray(solved, float)
    rates = rates if rates.ndim == 1 else rates.mean(axis=1)
    return f"{rates.mean():.4f} ± {rates.std():.3f}"


def by_price(train: Outcomes, draws: Sequence[Ints], estimator: Estimator) -> None:
    """Print what giving up saves, and what it leaves unsolved, from a budget of 64 samples."""
    print("\nA shared budget of 64 samples a problem, left where one more solve costs more than the price.\n")
    print("| price | after | pass rate | samples | saved | solved with the saved samples: one of |")
    print("|---|---|---|---|---|---|")
    whole: tuple[float, float] | None = None
    for price in (None, *reversed(PRICES)):
        choice, _ = chosen(train, 64, estimator, Manner(shares=True, give_up=price))
        found = np.array(
            [shared(solved_by(first, choice.order), len(choice.order), 64) for first in draws]
        ).mean(axis=0)
        whole = whole or (float(found[0]), float(found[1]))
        lost, saved = whole[0] - found[0], whole[1] - found[1]
        per = f"{saved / lost:.0f} samples" if lost > 0 else "–"
        after = choice.gives_up_after or "–"
        print(f"| {price or 'none'} | {after} | {found[0]:.4f} | {found[1]:.1f} | {saved:.1f} | {per} |")


def unsolved_share(test: Outcomes, order: Sequence[int]) -> Floats:
    """Return the share of problems unsolved after 0, 1, 2… samples of an order, without bias."""
    return np.array([1.0, *(after.mean() for after in failures(test, order, None, 0.0))])


def to_pass_best_pure(train: Outcomes, test: Outcomes, estimator: Estimator) -> None:
    """Print with how many mean samples each way first solves what best pure solves with 256."""
    limits = limits_of(train, Budget("samples", 256))
    choice = Search().chosen(train, limits, learn(train, estimator, limits).rows)
    counts = fraction(len(test.n), choice.best_pure)
    target = float(1 - failure_of(test, counts).mean())
    unsolved = unsolved_share(test, choice.schedule)
    depth = int(np.argmax(1 - unsolved >= target))
    pure = unsolved_share(test, [choice.best_pure[0]] * 256)
    name = train.configurations[choice.best_pure[0]]
    print(f"\nBest pure, {name}, solves {target:.4f} with 256 samples. To solve as many takes\n")
    print("| way | mean samples a problem |\n|---|---|")
    print(f"| best pure | 256 |\n| best pure, stopping | {expected_spend(pure, np.ones(256)):.1f} |")
    print(f"| static | {depth} |")
    print(f"| stopping, and shared | {expected_spend(unsolved[: depth + 1], np.ones(depth)):.1f} |")


if __name__ == "__main__":
    main()
