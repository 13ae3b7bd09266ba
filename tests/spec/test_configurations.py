# ruff: noqa: E501 - messages are quoted whole
import pytest

from tests.spec.conftest import SMALLEST

HEAD = (
    SMALLEST[: SMALLEST.index("configurations")]
    + 'prompts: {direct: "{{ question }}", steps: "Think. {{ question }}"}\nconfigurations:\n'
)


@pytest.fixture
def names(load):
    def of(*entries: str) -> list[str]:
        return [
            one.name for one in load(HEAD + "".join(f"  - {entry}\n" for entry in entries)).configurations
        ]

    return of


def test_a_name_is_the_grids_values_in_the_order_written(names):
    assert names("grid: {temperature: [0.2, 1.0], prompt: [direct], model: [llama_cpp/Qwen/Qwen2.5-7B]}") == [
        "0.2/direct/Qwen2.5-7B",
        "1.0/direct/Qwen2.5-7B",
    ]


def test_a_model_file_is_named_by_its_last_segment(names):
    assert names("grid: {model: [llama_cpp/./models/mine.gguf], prompt: [direct]}") == ["mine.gguf/direct"]


def test_adding_a_value_renames_nothing(names):
    before = names("grid: {model: [llama_cpp/m], prompt: [direct], temperature: [0.2]}")
    after = names("grid: {model: [llama_cpp/m], prompt: [direct, steps], temperature: [0.2, 0.8]}")

    assert set(before) < set(after)


def test_variables_and_extra_are_named_by_their_values(names):
    entry = "{grid: {vars: {prompt: [a/de], level: [3]}, extra: {top_a: [0.1], on: [true]}}, model: llama_cpp/m, prompt: direct}"

    assert names(entry) == ["a/de/3/0.1/true"]


@pytest.mark.parametrize(
    ("written", "word"),
    [("1e-3", "0.001"), ("1", "1"), ("1.0", "1.0"), ("0.20", "0.2")],
)
def test_numbers_are_named_as_yaml_would_write_them(names, written, word):
    assert names(f"{{grid: {{temperature: [{written}]}}, model: llama_cpp/m, prompt: direct}}") == [word]


def test_prompts_in_place_are_numbered_by_their_text(names):
    assert names(
        'grid: {model: [llama_cpp/a], prompt: ["{{ question }}", direct, "Q: {{ question }}"]}',
        'grid: {model: [llama_cpp/b], prompt: ["Q: {{ question }}", {completion: "{{ question }}"}]}',
    ) == ["a/prompt1", "a/direct", "a/prompt2", "b/prompt2", "b/prompt3"]


def test_a_number_that_a_prompt_of_the_spec_has_is_not_given_again(load):
    text = HEAD.replace("direct:", "prompt1:") + '  - {model: llama_cpp/m, prompt: "Q {{ question }}"}\n'

    assert load(text).configurations[0].prompt == "prompt2"


def test_name_overrides_with_placeholders(names):
    entry = (
        "{grid: {vars: {language: [de, en]}, temperature: [0.2]}, "
        'model: llama_cpp/a/m, prompt: direct, name: "{language}-{temperature}-{model}-{prompt}"}'
    )

    assert names(entry) == ["de-0.2-m-direct", "en-0.2-m-direct"]


def test_an_entry_without_grid_or_name_is_model_and_prompt(names):
    assert names(
        "{model: llama_cpp/a/m, prompt: direct}", "{model: llama_cpp/m, prompt: direct, name: today}"
    ) == [
        "m/direct",
        "today",
    ]


def test_exclude_leaves_out_where_all_its_keys_are_equal(names):
    entry = (
        "{grid: {model: [llama_cpp/a, llama_cpp/b], vars: {language: [de, en]}}, prompt: direct, "
        "exclude: [{model: llama_cpp/a, vars: {language: de}}]}"
    )

    assert names(entry) == ["a/en", "b/de", "b/en"]


def test_what_is_not_in_the_grid_holds_for_all_of_it(load):
    entry = (
        "  - {grid: {vars: {language: [de, en]}}, model: llama_cpp/m, prompt: direct, max_tokens: 9, stop: x,"
        " vars: {tone: dry}, extra: {a: 1}, system: Hi, max_samples: 4, deterministic: true, revision: r2}\n"
    )
    one, two = load(HEAD + entry).configurations

    assert (one.variables, two.variables) == (
        {"tone": "dry", "language": "de"},
        {"tone": "dry", "language": "en"},
    )
    assert one.parameters == {"max_tokens": 9, "stop": ["x"]}
    assert (one.extra, one.system, one.max_samples, one.deterministic, one.revision) == (
        {"a": 1},
        "Hi",
        4,
        True,
        "r2",
    )


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("{model: llama_cpp/m, prompt: direct, exclude: [{model: llama_cpp/m}]}", "there is no grid to exclude from"),
        ("{prompt: direct}", "has no model; write model: BACKEND/MODEL"),
        ("{model: llama_cpp/m}", "has no prompt; write prompt: NAME"),
        ("{model: llama_cpp/m, prompt: dirct}", "no prompt is named 'dirct'; did you mean 'direct'?"),
        ("{model: llama_cpp/m, prompt: direct, grid: {vars: {a: [1]}}, vars: {a: 2}}", "is in the grid too"),
        ("{model: llama_cpp/m, prompt: direct, name: \"a\\nb\"}", "has a line break or control character"),
        ("{model: llama_cpp/m, prompt: direct, grid: {" + ", ".join(f"top_k: {list(range(400))}" if i == 0 else f"max_tokens: {list(range(1, 400))}" for i in range(2)) + "}}", "makes 159600 configurations"),
    ],
    ids=["exclude", "model", "prompt", "typo", "twice", "newline", "huge"],
)  # fmt: skip
def test_mistakes_in_an_entry_are_faults(faults_of, entry, fault):
    (found,) = faults_of(HEAD + f"  - {entry}\n")

    assert fault in found
