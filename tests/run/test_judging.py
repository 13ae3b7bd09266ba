"""A model as the verifier: what it says, what it costs, and that nothing of it is paid for twice."""

import json
import sqlite3

import pytest

from tests.conftest import SPEC

RIGHT = "[{{ 'PASS' if 'It is ' ~ reference ~ '.' == response else 'FAIL' }}]"
JUDGE = """\
verifier: {{type: judge, model: scripted/{model}, prompt: {prompt}{more}}}"""
OF_JUDGE = """
    FROM samples JOIN cells USING (request) JOIN configurations c ON c.id = configuration
    WHERE c.name = 'judge of sums'"""
OTHERS = OF_JUDGE.replace("c.name =", "c.name <>")


@pytest.fixture
def judged(spec_folder):
    """Write the smallest spec with a judge; return its folder's pool."""

    def write(model="sure", asks=RIGHT, more="", prices="", kind="{}"):
        prompt = kind.format(f"\"Grade '{{{{ response }}}}'. {asks}\"")
        verifier = JUDGE.format(model=model, prompt=prompt, more=more)
        text = SPEC.replace("verifier: {type: number}", verifier)
        backends = f"backends:\n  scripted: {{type: scripted{prices}}}\n"
        (spec_folder / "spec.yaml").write_text(text.replace("tasks:", f"{backends}tasks:"))

    return write


def rows(folder, query):
    with sqlite3.connect(folder / "osca.db") as pool:
        return pool.execute(query).fetchall()


@pytest.mark.parametrize(("kind", "asked"), [("{}", "messages"), ("{{completion: {}}}", "completion")])
def test_a_judge_that_is_right_gives_the_verdicts_of_a_comparison(osca, spec_folder, judged, kind, asked):
    osca("run", "spec.yaml", "--db", "compared.db")
    judged(kind=kind)
    osca("run", "spec.yaml")

    query = "SELECT configuration, problem, n, passed FROM v_cells WHERE task = 'sums' ORDER BY 1, 2"
    with sqlite3.connect(spec_folder / "compared.db") as pool:
        assert rows(spec_folder, query) == pool.execute(query).fetchall()
    (judge,) = rows(spec_folder, "SELECT configuration, samples FROM v_pass_rates WHERE task = 'sums/judge'")
    texts = rows(spec_folder, f"SELECT count(DISTINCT problem || text) {OTHERS}")
    assert judge == ("judge of sums", texts[0][0])
    bodies = rows(spec_folder, f"SELECT body FROM requests WHERE id IN (SELECT request {OF_JUDGE})")
    assert {key for (body,) in bodies for key in json.loads(body)["prompt"]} == {asked}


def test_a_second_run_asks_no_judge(osca, spec_folder, judged):
    judged()
    osca("run", "spec.yaml")
    before = rows(spec_folder, "SELECT count(*) FROM samples")
    osca("run", "spec.yaml")

    assert rows(spec_folder, "SELECT count(*) FROM samples") == before


def test_another_prompt_of_the_judge_judges_again_and_draws_no_sample_of_the_configurations(
    osca, spec_folder, judged
):
    judged()
    osca("run", "spec.yaml")
    counts = [f"SELECT count(DISTINCT key) {what}" for what in (OTHERS, OF_JUDGE, "FROM samples")]
    own, judging, every = (rows(spec_folder, query)[0][0] for query in counts)
    judged(asks="Once more: " + RIGHT)
    osca("run", "spec.yaml")

    assert [rows(spec_folder, query)[0][0] for query in counts] == [own, judging, every + judging]


def test_the_majority_of_several_samples_decides_and_one_without_a_grade_is_no_vote(
    osca, spec_folder, judged
):
    judged(model="small", more=", samples: 3, temperature: 0.5")
    assert "the same command tries them again" in osca("run", "spec.yaml", code=1).err
    said = rows(spec_folder, "SELECT passed, score, reason FROM verdicts WHERE reason LIKE '%judge%'")
    errors = [reason for passed, _, reason in said if passed is None]

    assert {score for passed, score, _ in said if passed} == {1.0}
    assert errors
    assert set(errors) == {"the judge did not decide: 0 of 3 said PASS and 0 FAIL"}


def test_what_a_judge_costs_is_a_cost_of_the_sample(osca, spec_folder, judged):
    prices = ", prices: {small: {sample: 0.01}, large: {sample: 0.01}, sure: {sample: 0.1}}"
    judged(prices=prices)
    osca("run", "spec.yaml")
    osca("export", "spec.yaml", "--format", "outcomes", "-o", "counts.json")
    document = json.loads((spec_folder / "counts.json").read_text())

    (usd,) = {round(cost, 6) for row in document["cost"] for cost in row if cost is not None}
    assert usd == 0.11


def test_a_judge_counts_towards_the_limit(osca, spec_folder, judged):
    judged(prices=", prices: {small: {sample: 0.01}, large: {sample: 0.01}, sure: {sample: 0.1}}")
    with (spec_folder / "spec.yaml").open("a") as spec:
        spec.write("limits: {usd: 1}\n")

    assert "limits: usd: 1 leaves 0" in osca("run", "spec.yaml", code=4).err
    (spent,) = rows(spec_folder, "SELECT sum(usd) FROM samples")[0]
    assert 0.5 < spent <= 1


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"more": ", samples: 2"}, "write an odd one"),
        ({"asks": "{% if %}"}, "the judge's prompt is not a Jinja2 template"),
        ({"more": ", reasoning_effort: low"}, "does not take reasoning_effort"),
    ],
)
def test_a_judge_that_cannot_be_meant_is_a_fault(osca, judged, given, fault):
    judged(**given)

    assert fault in osca("validate", "spec.yaml", code=2).err
