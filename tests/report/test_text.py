import pytest

from osca_cli.report.text import visible


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("\x1b[2J", "U+001B"),
        ("\x07", "U+0007"),
        ("a\u202eb", "U+202E"),
        ("\u2066x\u2069", "U+2066"),
        ("\u200b", "U+200B"),
        ("\u200f", "U+200F"),
        ("\ufeff", "U+FEFF"),
        ("\x9b31m", "U+009B"),
        ("\U000e0041", "U+E0041"),
        ("\r", "U+000D"),
        ("\u2028", "U+2028"),
        ("\ud800", "U+D800"),
        ("\x00", "U+0000"),
    ],
)
def test_what_steers_is_written_out(text, code):
    shown = visible(text)

    assert code in shown
    assert not any(char in shown for char in text if not (char.isprintable() or char in "\n\t"))


def test_markup_is_text():
    assert visible("<svg onload=alert(1)>&\"'") == "&lt;svg onload=alert(1)&gt;&amp;&#34;&#39;"


def test_letters_of_all_scripts_and_lines_stay_what_they_are():
    text = "שלום\n\tمرحبا 你好 naïve e\u0301 👍\ufe0f"

    assert visible(text) == text


def test_marks_do_not_climb_out_of_their_line():
    assert str(visible("z" + "\u0301" * 500)).count("\u0301") == 4


def test_a_long_text_is_cut():
    assert visible("x" * 5_000_000, 10) == "x" * 10 + "…"
