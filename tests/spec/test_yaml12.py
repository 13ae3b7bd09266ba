import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from osca_cli.errors import SpecError, UsageError
from osca_cli.spec.types import Place
from osca_cli.spec.yaml12 import parse_document, read_document


def fault_of(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse_document(text, "f")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-3", 0.001),
        ("1e3", 1000.0),
        ("no", "no"),
        ("on", "on"),
        ("12:30:00", "12:30:00"),
        ("2026-07-01", "2026-07-01"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("+1", 1),
        (".5", 0.5),
        ("1.", 1.0),
        ("~", None),
        ("", None),
        ("True", True),
        ('"1"', "1"),
        ("!!str 1", "1"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written, meant):
    value = parse_document(f"a: {written}\n", "f").data["a"]

    assert value == meant
    assert type(value) is type(meant)


texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.just("<<"), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(texts, json_values))
def test_what_json_writes_is_read_back(data):
    document = parse_document(json.dumps(data, ensure_ascii=False), "f")

    assert document.faults == ()
    assert document.data == data


def test_places_are_those_of_keys_items_and_values():
    document = parse_document("a: 1\nb:\n  - c: [x, y]\n", "f")

    assert document.key(("b",)) == Place(2, 1)
    assert document.value(("b", 0, "c")) == Place(3, 8)
    assert document.value(("b", 0, "c", 1)) == Place(3, 12)
    assert document.value(("b", 0, "absent")) == document.value(("b", 0))


def test_a_byte_order_mark_and_windows_line_ends_move_no_place():
    document = parse_document("\ufeffa: 1\r\nb: 2\r\n", "f")

    assert document.data == {"a": 1, "b": 2}
    assert (document.key(("a",)), document.key(("b",))) == (Place(1, 1), Place(2, 1))
    assert document.text.startswith("\ufeff")


def test_a_duplicate_key_names_both_lines():
    (fault,) = parse_document("a: 1\nb: 2\na: 3\n", "f").faults

    assert str(fault) == "f:3:1: a: duplicate key, first written in line 1; remove one"


def test_merged_keys_give_way_to_own_ones():
    document = parse_document("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: {<<: [{a: 5}, *x]}\n", "f")

    assert document.faults == ()
    assert document.data["y"] == {"b": 3, "a": 1}
    assert document.data["z"] == {"a": 5, "b": 2}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "f:1:1: the file is empty; `osca init` writes a spec to start from"),
        ("# a comment\n", "f:1:1: the file is empty; `osca init` writes a spec to start from"),
        (
            "- a\n",
            "f:1:1: a spec is a mapping of keys such as version, tasks and configurations; this is not one",
        ),
        ("a:\n\tb: 2\n", "f:2:1: a tab cannot indent YAML; use spaces"),
        ("a: [*b, 1]\n", "f:1:5: '*b' names no anchor; write '&b' before what it stands for"),
        ("a: b: c\n", "f:1:5: a ':' cannot stand here; quote the text, or check the indentation"),
        ("a: 1\n---\nb: 1\n", "f:2:1: a spec is one document; remove this '---'"),
        ("a: @x\n", "f:1:4: a text cannot begin with @; quote it"),
        ("a: \x01\n", "f:1:4: a control character is not allowed in YAML; remove it"),
        ("[" * 500, "f:1:101: is nested too deeply; no spec needs that"),
    ],
    ids=["empty", "comment", "list", "tab", "alias", "colon", "documents", "at", "control", "deep"],
)
def test_a_text_that_is_no_spec_is_said_in_plain_words(text, fault):
    assert fault_of(text) == fault


def test_whichever_limit_is_met_first_a_deep_text_is_said_to_be_deep():
    assert fault_of("[" * 100_000).endswith("is nested too deeply; no spec needs that")


def test_an_open_quote_names_the_line_where_it_began():
    assert fault_of("a: 'x\nb: 1\n").endswith("close the quote (what it belongs to begins in line 1)")


def test_text_that_is_not_utf8_is_located(tmp_path):
    (tmp_path / "spec.yaml").write_bytes("a: é\nb: ".encode() + b"\xe9\n")

    with pytest.raises(SpecError, match=r"spec.yaml:2:4: is not UTF-8"):
        read_document(tmp_path / "spec.yaml")


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path, name):
    with pytest.raises(UsageError):
        read_document(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [*a]", "an alias (*name) stands inside what it names"),
        ("a: &a\n  <<: *a", "'<<' merges other mappings"),
        ("a: !!python/object:os.system x", "means nothing here"),
        ("a: .inf", ".inf is not a finite value"),
        ("a: 1e999", "1e999 is not a finite value"),
        ("a: " + "9" * 5000, "is not a finite value"),
        ("a: !!int x", "is not a finite value of the kind int"),
        ("a: {{ question }}", "quote it"),
    ],
)
def test_values_that_mean_nothing_are_faults(text, words):
    (fault,) = parse_document(text, "f").faults

    assert words in fault.message


def test_aliases_that_grow_exponentially_are_refused(monkeypatch):
    monkeypatch.setattr("osca_cli.spec.yaml12.MOST_VALUES", 1000)
    lines = ["a0: &a0 [1, 1]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 20)]

    assert "aliases" in fault_of("\n".join(lines))


@given(st.text("ab:-[]{}&*!|>'\"%@#\n\t ?,<1.", max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text):
    places = [Place(1, 1)]
    try:
        parse_document(text, "f")
    except SpecError as error:
        places = [Place(fault.line, fault.column) for fault in error.faults]

    assert all(place.line >= 1 and place.column >= 1 for place in places)
    assert places


def test_reading_changes_nothing_for_other_users_of_pyyaml():
    parse_document("a: no", "f")

    assert yaml.safe_load("a: no") == {"a": False}
