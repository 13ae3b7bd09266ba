"""A verifier that accepts in production beside the one that is right: both judge the pilot's samples."""

import sqlite3

import numpy as np
import pytest

from osca_cli.backends import open_backends
from osca_cli.outcomes.thinning import fewer_samples
from osca_cli.spec.cells import CellMaker
from osca_cli.spec.load import load_spec
from osca_cli.store.counts import pool_outcomes
from osca_cli.store.pool import Pool
from tests.conftest import SPEC

# Whatever the one says is right if anything is; the other is as sure of itself, and always wrong.
SELECTING = SPEC.replace(
    'prompt: ["{{ question }} [{{ answer }}]"]', 'prompt: ["{{ question }} [{{ answer }}]", sly]'
)
SELECTING = SELECTING.replace(
    "tasks:", 'prompts: {sly: "{{ question }} [{{ answer | int + 1 }}]"}\ntasks:', 1
).replace("held_out", "select: {type: first_accepted, by: {type: regex, pattern: It is}}\n    held_out", 1)


@pytest.fixture
def selecting(spec_folder):
    """The smallest spec with a verifier that accepts by the words alone."""
    (spec_folder / "spec.yaml").write_text(SELECTING)
    return spec_folder


def counts(folder):
    spec = load_spec(folder / "spec.yaml", environment={})
    maker = CellMaker(spec, open_backends(spec))
    with Pool(folder / "osca.db", create=False) as pool:
        return pool_outcomes(pool, spec, spec.tasks[0], maker)[0]


def test_every_sample_of_the_pilot_is_judged_by_both(osca, selecting):
    osca("run", "spec.yaml")
    outcomes = counts(selecting)
    train = outcomes.select(problems=outcomes.train)
    sly = [row for row, name in enumerate(train.configurations) if "sly" in name]

    assert (train.n == 4).all()
    assert (train.accepts.right == train.c).all()
    assert not train.c[sly].any()
    assert train.accepts.wrong[sly].sum() == train.accepted().c[sly].sum() > 0
    assert train.accepts.wrong.sum() == train.accepts.wrong[sly].sum()


def test_a_verifier_that_accepts_is_run_on_a_pool_without_drawing(osca, selecting):
    (selecting / "spec.yaml").write_text(
        SELECTING.replace("select: {type: first_accepted, by: {type: regex, pattern: It is}}", "")
    )
    osca("run", "spec.yaml")
    (selecting / "spec.yaml").write_text(SELECTING)

    assert "0 drawn now" in osca("run", "spec.yaml").err
    with sqlite3.connect(selecting / "osca.db") as pool:
        (samples,) = pool.execute("SELECT count(*) FROM samples").fetchone()
        (verdicts,) = pool.execute("SELECT count(*) FROM verdicts").fetchone()
    assert verdicts == 2 * samples
    assert (counts(selecting).n[:, counts(selecting).train] == 4).all()


def test_a_sample_counts_once_both_have_judged_it(osca, selecting):
    osca("run", "spec.yaml")
    with sqlite3.connect(selecting / "osca.db") as pool:
        (verifier,) = pool.execute("SELECT verifier FROM verdicts WHERE answer = 'It is' LIMIT 1").fetchone()
        pool.execute("UPDATE verdicts SET passed = NULL WHERE verifier = ? AND idx = 3", (verifier,))
    outcomes = counts(selecting)

    assert (outcomes.n[:, outcomes.train] == 3).all()
    assert "already in the pool" in osca("run", "spec.yaml").err
    assert (counts(selecting).n[:, outcomes.train] == 4).all()


def test_fewer_samples_keep_what_was_accepted_within_what_there_is(osca, selecting):
    osca("run", "spec.yaml")
    outcomes = counts(selecting)
    fewer = fewer_samples(outcomes, 2, np.random.default_rng(0))

    assert (fewer.accepts.right <= fewer.c).all()
    assert (fewer.accepts.wrong <= fewer.n - fewer.c).all()
    assert (fewer.accepts.right == fewer.c).all()  # since every right sample was accepted
