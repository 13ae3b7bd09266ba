"""What plans by strata gain where values differ, and lose where they do not.

    python benchmarks/strata.py [SEEDS]

Made matrices with known rates: two values, of which one half of six configurations suits the first and the
other half the second by so many logits. Plans are made for a budget of six samples and judged on 3,000 new
problems of each value: points that they solve more than the task's common plan, if every value had its own,
and with the values only that cross-validation gives one.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.plan.choice import choose
from osca_cli.plan.decision import Search
from osca_cli.plan.strata import stratify
from osca_cli.spec.types import Budget

BUDGET = Budget("samples", 6)
SIZE, NEW = 6, 3000
CASES = [
    (apart, problems, pilot) for problems, pilot in ((60, 4), (60, 8), (150, 8)) for apart in (0, 1, 2, 3)
]


@dataclass(frozen=True, slots=True)
class World:
    """Configurations of several levels, and two values that differ in difficulty and in what suits them."""

    random: np.random.Generator
    level: Floats
    suits: Floats

    @classmethod
    def of(cls, seed: int, apart: float) -> World:
        """Make a world in which the right half of configurations is better by ``apart`` logits."""
        random = np.random.default_rng(seed)
        half = np.where(np.arange(SIZE)[:, None] % 2 == np.arange(2), 0.5, -0.5)
        return cls(random, random.normal(0, 0.5, SIZE), apart * half)

    def rates(self, values: Ints) -> Floats:
        """Return pass rates on new problems with these values, shape ``(S, P)``."""
        ease = self.random.normal(-1.0, 1.5, len(values)) - values
        cells = self.random.normal(0, 0.7, (SIZE, len(values)))
        return expit(self.level[:, None] + ease + self.suits[:, values] + cells)


def measure(seed: int, apart: float, problems: int, pilot: int) -> list[tuple[bool, float, float]]:
    """Return of each value whether it got its own plan, the gain that was claimed, and the true one."""
    world = World.of(seed, apart)
    values = np.repeat([0, 1], problems)
    rates = world.rates(values)
    ids, n = [f"p{i}" for i in range(len(values))], np.full(rates.shape, pilot)
    tags = {id_: {"value": int(value)} for id_, value in zip(ids, values, strict=True)}
    outcomes = Outcomes.of([f"s{i}" for i in range(SIZE)], ids, n, world.random.binomial(n, rates), tags=tags)
    made = stratify(outcomes, BUDGET, "value", "auto", Search())
    common = made.parts[-1].decision
    found = []
    for stratum in made.strata:
        part = outcomes.select(problems=values == stratum.value)
        rows = common.known.narrowed(part)
        own = choose(part, common.limits, rows, Search().find).counts
        failing = 1 - world.rates(np.full(NEW, stratum.value))
        solved = [1 - np.prod(failing ** x[:, None], axis=0).mean() for x in (own, common.choice.counts)]
        claimed = stratum.gain.value if stratum.gain else np.nan
        found.append((stratum.own, claimed, float(solved[0] - solved[1])))
    return found


def main(seeds: int) -> None:
    print(
        "| logits apart | problems | samples a cell | own for all | with proof | own plans | claimed | true |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for apart, problems, pilot in CASES:
        found = [one for seed in range(seeds) for one in measure(seed, apart, problems, pilot)]
        own, claimed, true = (np.array(column) for column in zip(*found, strict=True))
        means = [f"{100 * values[own].mean():+.1f}" if own.any() else "" for values in (claimed, true)]
        print(
            f"| {apart} | {problems} | {pilot} | {100 * true.mean():+.2f} | {100 * (true * own).mean():+.2f} "
            f"| {own.sum()} of {len(own)} | {' | '.join(means)} |",
            flush=True,
        )


if __name__ == "__main__":
    main(int(*sys.argv[1:] or ["12"]))
