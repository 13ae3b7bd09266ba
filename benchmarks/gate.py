"""How often a gate cries wolf, and what it can see: assertions on made pairs whose gain is known.

    python benchmarks/gate.py [--pairs 1000]

Each pair is a plan and a baseline on so many problems: passes of 16 samples a cell at rates that are drawn
anew for every pair, of problems that nobody solves, everybody solves, or some. The bound of `gain at_least`
is set half a point above the true gain of such pairs, so that a pass is a false alarm, and half a point below
it, so that a fail is one. Neither may come in more than 5 of 100.

"clustered" draws problems in clusters of 1 to 12 that share difficulty and gain, and judges by cluster;
"as if not" judges the same pairs as if each problem stood alone. The last table is how often a true gain of 5
points passes `at_least: 0`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from osca_cli.check.facts import Compared
from osca_cli.check.judge import Outcome, judge
from osca_cli.outcomes.types import Floats, Ints, Outcomes
from osca_cli.spec.types import Assertion, Budget

SAMPLES, DRAWN = 16, 4
NEAR = 0.005
SIZES = (30, 100, 300, 1000)
POPULATION = 200_000


@dataclass(frozen=True, slots=True)
class World:
    """Problems, and what plan and baseline do on them.

    Attributes:
        name: For the table.
        level: Mean logit of the rates.
        spread: Its standard deviation over problems.
        apart: Standard deviation of the difference between plan and baseline on a problem, in logits.
        shift: Mean of that difference.
        never: Share of problems that nobody solves.
        clustered: Whether clusters of problems share all this.
    """

    name: str
    level: float = -1.5
    spread: float = 1.5
    apart: float = 0.7
    shift: float = 0.3
    never: float = 0.15
    clustered: bool = False

    def rates(self, random: np.random.Generator, clusters: Ints) -> Floats:
        """Return pass rates of plan and baseline on problems of these clusters, shape ``(2, J)``."""
        number = int(clusters.max()) + 1
        own = random.normal(0, 1, (3, len(clusters)))
        if self.clustered:
            own = 0.9 * random.normal(0, 1, (3, number))[:, clusters] + np.sqrt(1 - 0.81) * own
        difference = self.shift + self.apart * own[1]
        base = self.level + self.spread * own[0]
        rates = expit(np.stack([base + difference, base]))
        rates[:, random.random(len(clusters)) < self.never] = 0.0
        return rates

    def clusters(self, random: np.random.Generator, problems: int) -> Ints:
        """Return the cluster of each problem."""
        if not self.clustered:
            return np.arange(problems)
        sizes = random.integers(1, 13, problems)
        return np.repeat(np.arange(problems), sizes)[:problems]

    def gain(self) -> float:
        """Return the true gain in coverage of so many samples."""
        random = np.random.default_rng(12345)
        ours, theirs = 1 - (1 - self.rates(random, self.clusters(random, POPULATION))) ** DRAWN
        return float(ours.mean() - theirs.mean())

    def with_gain(self, gain: float) -> World:
        """Return the same world with another shift, so that the gain is this one."""
        low, high = -3.0, 3.0
        for _ in range(30):
            middle = (low + high) / 2
            one = World(self.name, self.level, self.spread, self.apart, middle, self.never, self.clustered)
            low, high = (middle, high) if one.gain() < gain else (low, middle)
        return one


WORLDS = (
    World("as usual"),
    World("easy", level=1.5, never=0.02),
    World("hard", level=-4.5, never=0.4),
    World("all alike but few", apart=0.05, shift=0.05),
    World("clustered", clustered=True),
)


def judged(
    world: World, problems: int, bounds: Sequence[float], seed: int, *, by_cluster: bool
) -> list[Outcome]:
    """Draw a pair and judge it by several bounds."""
    random = np.random.default_rng([seed, problems])
    clusters = world.clusters(random, problems)
    rates = world.rates(random, clusters)
    ids = [f"p{i}" for i in range(problems)]
    tags = {id_: {"cluster": int(one)} for id_, one in zip(ids, clusters, strict=True)} if by_cluster else {}
    outcomes = Outcomes.of(
        ["plan", "base"],
        ids,
        np.full(rates.shape, SAMPLES),
        random.binomial(SAMPLES, rates),
        held_out=np.ones(problems),
        tags=tags,
    )
    assertions = [Assertion("gain.over_base", "t", bound, None, 0.0, None) for bound in bounds]
    baselines = {"base": {"base": float(DRAWN)}}
    compared = Compared(outcomes.held_out, {"plan": DRAWN}, baselines, Budget("samples", DRAWN))
    found = judge(outcomes, "t", [compared], assertions, cluster="cluster" if by_cluster else None)
    return [one.outcome for one in found.verdicts.judgements]


def main(pairs: int) -> None:
    print(f"False alarms among {pairs} pairs, % (at most 5)\n")
    print("| world | true gain | problems | bound above it: passes | bound below it: fails |")
    print("|---|---|---|---|---|")
    rows = [(world, world.clustered, world.name) for world in WORLDS]
    rows.append((WORLDS[-1], False, "clustered, as if not"))
    for world, by_cluster, name in rows:
        gain = world.gain()
        for problems in SIZES:
            found = [
                judged(world, problems, (gain + NEAR, gain - NEAR), seed, by_cluster=by_cluster)
                for seed in range(pairs)
            ]
            passes = 100 * sum(above == "pass" for above, _ in found) / pairs
            fails = 100 * sum(below == "fail" for _, below in found) / pairs
            print(f"| {name} | {100 * gain:+.1f} | {problems:,} | {passes:.1f} | {fails:.1f} |", flush=True)
    print("\nPower: `gain at_least 0` passes where the true gain is 5 points, %\n")
    print("| world | " + " | ".join(f"{problems:,} problems" for problems in SIZES[1:]) + " |")
    print("|---|---|---|---|")
    for world in WORLDS:
        made = world.with_gain(0.05)
        cells = []
        for problems in SIZES[1:]:
            found = [judged(made, problems, (0.0,), seed, by_cluster=made.clustered) for seed in range(pairs)]
            cells.append(100 * sum(one == "pass" for [one] in found) / pairs)
        print(f"| {world.name} | " + " | ".join(f"{cell:.0f}" for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=1000)
    main(parser.parse_args().pairs)
