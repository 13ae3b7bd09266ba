import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.errors import SpecError, UsageError
from osca_cli.model import Problem
from osca_cli.spec.problems import Row, make_problems, read_problem_file, read_rows
from osca_cli.spec.types import Place, ProblemFields, Task


def task(**fields):
    return Task("sums", (), (), None, ProblemFields(**fields), {}, None, None, Place(1, 1))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def lines_of(error) -> list[str]:
    return [f"{fault.line}: {fault.message}" for fault in error.value.faults]


def test_json_lines_become_problems(tmp_path):
    path = write(
        tmp_path,
        "p.jsonl",
        '\ufeff{"id": 1, "answer": [2]}\r\n\n{"id": "zwölf", "q": "a\u2028b", "topic": "x"}',
    )

    assert read_problem_file(path, task(tags=("topic",))) == (
        Problem("sums", "1", {"id": 1, "answer": [2]}, [2], {"topic": None}),
        Problem("sums", "zwölf", {"id": "zwölf", "q": "a\u2028b", "topic": "x"}, None, {"topic": "x"}),
    )


def test_csv_rows_become_problems_of_texts(tmp_path):
    path = write(tmp_path, "p.csv", 'id,q,answer\n1,"a, ""b""\nc",2\n\n2,,3\n')

    assert [dict(problem.fields) for problem in read_problem_file(path, task())] == [
        {"id": "1", "q": 'a, "b"\nc', "answer": "2"},
        {"id": "2", "q": "", "answer": "3"},
    ]


def test_each_faulty_line_is_named(tmp_path):
    path = write(tmp_path, "p.jsonl", '{"id": 1}\n{"id": 2\n[3]\n{"id": NaN}\n')

    with pytest.raises(SpecError) as error:
        read_rows(path, "jsonl")

    assert lines_of(error) == [
        "2: not a line of JSON: Expecting ',' delimiter",
        "3: a problem is a JSON object: {…}",
        "4: not a line of JSON: NaN is not a JSON number; write null",
    ]


def test_half_a_surrogate_pair_is_refused(tmp_path):
    path = write(tmp_path, "p.jsonl", '{"id": 1, "q": "\\ud800"}\n')

    with pytest.raises(SpecError, match=r"p\.jsonl:1:1: not a line of JSON"):
        read_rows(path, "jsonl")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("id,q\n1\n", "2: 1 values for 2 columns; quote values that hold a comma"),
        ('id,q\n1,"a\nb"\n2,3,4\n', "4: 3 values for 2 columns; quote values that hold a comma"),
        ("id,id\n1,2\n", "1: the first line must name every column, each differently"),
        ("id,\n1,2\n", "1: the first line must name every column, each differently"),
        ('id,q\n1,"a" b\n', "2: not valid CSV: ',' expected after '\"'"),
    ],
)
def test_faults_of_csv_are_located(tmp_path, text, line):
    with pytest.raises(SpecError) as error:
        read_rows(write(tmp_path, "p.csv", text), "csv")

    assert lines_of(error) == [line]


def rows(*fields) -> list[Row]:
    return [Row("f", Place(number, 1), "", each) for number, each in enumerate(fields, start=1)]


def test_ids_must_differ_and_be_texts_or_whole_numbers():
    with pytest.raises(SpecError) as error:
        make_problems(
            "sums", rows({"id": 1}, {"id": "1"}, {"id": None}), ProblemFields(), needs_reference=False
        )

    assert lines_of(error) == [
        "2: the id '1' is there already, in line 1; ids must differ",
        "3: the id (field 'id') must be a text or a whole number that is not empty",
    ]


def test_a_reference_is_needed_only_where_the_task_says_so():
    given = rows({"id": "a", "anwser": 1})

    assert make_problems("sums", given, ProblemFields(), needs_reference=False)[0].reference is None
    with pytest.raises(
        SpecError, match="problem 'a' has no reference: no field 'answer'; did you mean 'anwser'"
    ):
        make_problems("sums", given, ProblemFields(), needs_reference=True)


def test_a_mistake_on_every_line_is_told_a_few_times():
    with pytest.raises(SpecError) as error:
        make_problems("sums", rows(*[{"q": 1}] * 50), ProblemFields(), needs_reference=False)

    assert len(error.value.faults) == 4
    assert error.value.faults[-1].message == "and 47 more faults"


@pytest.mark.parametrize("name", ["absent.jsonl", "problems.txt", "latin.jsonl"])
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path, name):
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe9"}')

    with pytest.raises(UsageError, match=name):
        read_problem_file(tmp_path / name, task())


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), max_size=5))
def test_json_lines_are_read_back(tmp_path_factory, fields):
    path = tmp_path_factory.mktemp("p") / "p.jsonl"
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in fields), encoding="utf-8")

    assert [row.fields for row in read_rows(path, "jsonl")] == fields
