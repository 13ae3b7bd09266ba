"""What a run would draw, added up."""

from osca_cli.run.forecast import Line, add_up, dearest


def test_the_most_that_some_lines_can_come_to_is_told_figure_by_figure():
    many_and_cheap = Line(undrawn=9, most_tokens=90, most_usd=0.1)
    few_and_dear = Line(undrawn=1, most_tokens=10, most_usd=5.0)
    between = Line(undrawn=3, most_tokens=30, most_usd=1.0)

    most = dearest([many_and_cheap, few_and_dear, between], 2)

    assert (most.undrawn, most.most_tokens, most.most_usd) == (12, 120, 6.0)


def test_lines_that_draw_nothing_do_not_count_and_none_of_none_is_nothing():
    assert dearest([Line(undrawn=0, most_usd=None), Line(undrawn=2, most_usd=1.0)], 2).most_usd == 1.0
    assert dearest([Line(undrawn=2)], 0).undrawn == 0


def test_what_one_line_does_not_know_the_sum_does_not():
    known, unknown = Line(undrawn=1, most_usd=1.0), Line(undrawn=1, most_usd=None)

    assert dearest([known, known, unknown], 1).most_usd is None
    assert add_up([known, unknown]).most_usd is None
