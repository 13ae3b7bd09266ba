import pytest

from osca_cli.errors import UsageError
from osca_cli.model import Chat, Completion, Message, Problem
from osca_cli.spec.prompts import names_used, render, syntax_error
from osca_cli.spec.types import ChatTemplate, CompletionTemplate, Configuration, Place

PROBLEM = Problem("sums", "p1", {"question": "What is 1 + 1?", "answer": 2, "long name": "x"})


def configuration(**given):
    values = {
        "name": "c",
        "backend": "b",
        "model": "m",
        "prompt": "direct",
        "parameters": {},
        "extra": {},
        "variables": {},
        "system": None,
        "tasks": ("sums",),
        "max_samples": None,
        "deterministic": None,
        "revision": None,
        "place": Place(1, 1),
    }
    return Configuration(**values | given)


def user(source):
    return ChatTemplate((("user", source),))


def test_a_prompt_sees_fields_and_variables():
    prompt = render(
        user("{{ question }} In {{ language }}."), PROBLEM, configuration(variables={"language": "de"})
    )

    assert prompt == Chat((Message("user", "What is 1 + 1? In de."),))


def test_a_variable_goes_before_a_field():
    assert (
        render(user("{{ answer }}"), PROBLEM, configuration(variables={"answer": "?"})).messages[0].content
        == "?"
    )


def test_problem_gives_the_id_and_fields_with_any_name():
    assert render(user("{{ problem.id }}{{ problem['long name'] }}"), PROBLEM, configuration()).messages == (
        Message("user", "p1x"),
    )


def test_a_field_named_problem_is_that_field():
    problem = Problem("t", "1", {"problem": "Find x."})

    assert render(user("{{ problem }}"), problem, configuration()).messages[0].content == "Find x."


def test_text_is_kept_as_it_is_written():
    assert render(CompletionTemplate(" Q: {{ answer }}\n\n"), PROBLEM, configuration()) == Completion(
        " Q: 2\n\n"
    )


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["user"], [("system", "Be brief."), ("user", "1")]),
        (["system", "user"], [("system", "Be brief.\n\n1"), ("user", "1")]),
    ],
)
def test_system_becomes_or_heads_the_system_message(roles, expected):
    template = ChatTemplate(tuple((role, "1") for role in roles))

    assert list(render(template, PROBLEM, configuration(system="Be brief.")).messages) == expected


def test_an_absent_field_names_prompt_problem_and_what_is_there():
    with pytest.raises(UsageError) as caught:
        render(user("{{ qestion }}"), PROBLEM, configuration(variables={"language": "de"}))

    assert str(caught.value) == (
        "prompt 'direct', problem 'p1' of task 'sums': no field or variable 'qestion'; "
        "did you mean 'question'? "
        "(there are: answer, language, long name, question)"
    )


@pytest.mark.parametrize(
    "source",
    [
        "{{ answer / 0 }}",
        "{{ answer.nothing }}",
        "{{ question + answer }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ range(10 ** 9) }}",
        "{% include 'x' %}",
    ],
)
def test_what_fails_while_rendering_is_a_message(source):
    with pytest.raises(UsageError, match="prompt 'direct', problem 'p1' of task 'sums': "):
        render(user(source), PROBLEM, configuration())


def test_a_default_stands_for_an_absent_field():
    assert render(user("{{ tone | default('dry') }}"), PROBLEM, configuration()).messages[0].content == "dry"


def test_a_wrong_template_names_its_line():
    assert (
        syntax_error("{{ a }}\n{% if %}")
        == "line 2 of the template: Expected an expression, got 'end of statement block'"
    )
    assert syntax_error("{{ a }}") is None


def test_names_used_are_those_looked_up():
    template = ChatTemplate((("system", "{{ a }}"), ("user", "{% for x in b %}{{ x }}{% endfor %}{{ c.d }}")))

    assert names_used(template) == {"a", "b", "c"}
