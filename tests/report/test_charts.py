"""Charts are well-formed, hold what they are given, and name everything on them."""

import xml.etree.ElementTree as ET
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osca_cli.report.charts.bars import Bar, bars
from osca_cli.report.charts.dots import Dot, dots
from osca_cli.report.charts.heat import SHADES, folded, png
from osca_cli.report.charts.lines import Frame, Series, lines
from osca_cli.report.charts.scale import linear, logarithmic, percent_scale
from osca_cli.report.charts.spans import Span, spans
from osca_cli.report.charts.svg import spread

HOSTILE = "<script>alert(1)</script>\"'&"
SVG = "{http://www.w3.org/2000/svg}"


def parsed(markup):
    root = ET.fromstring(str(markup))
    assert root.get("role") == "img"
    named = set(root.get("aria-labelledby").split())
    assert named == {root.find(f"{SVG}title").get("id"), root.find(f"{SVG}desc").get("id")}
    assert not any("script" in one.tag for one in root.iter())
    assert not any(name.startswith("on") or name == "style" for one in root.iter() for name in one.attrib)
    return root


def texts(root):
    return [one.text for one in root.iter(f"{SVG}text")]


def test_every_chart_is_well_formed_whatever_names_there_are():
    frame = Frame(330, 300, HOSTILE, HOSTILE, HOSTILE, log=True, mark=(2, HOSTILE))
    parsed(lines(frame, [Series(HOSTILE, "plan", [(1, 0.2), (4, 0.6)], [(1, 0.1, 0.3), (4, 0.4, 0.8)])], "a"))
    parsed(bars(330, [Bar(HOSTILE, 3, HOSTILE)], HOSTILE, HOSTILE, "b", parts=3))
    parsed(dots((330, 300), [Dot(HOSTILE, 1.0, 0.5, True, True)], HOSTILE, HOSTILE, HOSTILE, "c"))
    parsed(spans(330, [Span(HOSTILE, 0.5, "50%", 0.4, 0.6)], HOSTILE, HOSTILE, "d"))


def test_lines_are_named_where_they_end_and_their_names_keep_apart():
    series = [Series(name, "quiet", [(1, 0.5), (8, 0.5 + i / 1000)]) for i, name in enumerate("abcdef")]
    root = parsed(lines(Frame(680, 320, "t", "d", "x", log=True), series, "a"))

    places = {one.text: float(one.get("y")) for one in root.iter(f"{SVG}text") if one.text in "abcdef"}
    assert set(places) == set("abcdef")
    ordered = sorted(places.values())
    assert all(b - a >= 14.9 for a, b in pairwise(ordered))


def test_a_line_of_one_point_is_still_seen():
    root = parsed(lines(Frame(680, 320, "t", "d", "x"), [Series("a", "plan", [(1, 0.5)], dots=False)], "a"))

    assert len(list(root.iter(f"{SVG}circle"))) == 1


def test_nothing_is_drawn_outside_its_picture():
    rows = [Span("a", 0.99, "99.0%", 0.9, 1.0), Span("b", 0.0, "0.0%", 0.0, 0.05)]
    for width in (330, 680):
        root = parsed(spans(width, rows, "t", "d", "a"))
        for one in root.iter(f"{SVG}circle"):
            assert 0 <= float(one.get("cx")) <= width


def test_a_bar_of_samples_has_a_block_for_each():
    root = parsed(bars(680, [Bar("a", 4, "4"), Bar("b", 1, "1")], "t", "d", "a", parts=5))

    assert len([one for one in root.iter(f"{SVG}line") if one.get("class") == "gap"]) == 3


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0, 300), min_size=1, max_size=12))
def test_labels_keep_their_order_and_their_distance(wanted):
    places = spread(wanted, 15, 0, 300)

    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    moved = [places[index] for index in order]
    assert all(b - a >= 15 - 1e-9 for a, b in pairwise(moved))


@settings(deadline=None, max_examples=100)
@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e4))
def test_ticks_lie_on_their_scale_and_are_few(low, ratio):
    for scale in (linear(low, low * ratio, 0, 400), logarithmic(low, low * ratio, 0, 400)):
        assert len(scale.ticks) <= 12
        assert all(-1 <= scale(tick) <= 401 for tick in scale.ticks)
    assert linear(low, low * ratio, 0, 400).ticks[0] <= low


def test_rates_begin_at_nothing_and_end_at_a_round_number():
    assert percent_scale([0.61], 0, 1).ticks == (0, 0.2, 0.4, 0.6, 0.8)
    assert percent_scale([1.0], 0, 1).high == 1
    assert percent_scale([], 0, 1).high == 0.02


def test_a_heat_map_holds_one_pixel_for_each_cell_and_none_where_nothing_is_known():
    image = png(np.array([[0.0, 1.0, np.nan], [0.5, 0.25, 0.0]]))

    assert image.startswith(b"\x89PNG")
    data = image[image.index(b"IDAT") + 4 :]
    pixels = zlib.decompressobj().decompress(data)
    assert list(pixels) == [0, 0, SHADES - 1, SHADES, 0, 50, 25, 0]


def test_columns_that_are_too_many_become_means_of_what_is_known():
    rates = np.array([[0.0, 1.0, np.nan, 0.5, np.nan, np.nan]])

    np.testing.assert_allclose(folded(rates, 3), [[0.5, 0.5, np.nan]])
    assert folded(rates, 6) is rates


@pytest.mark.parametrize("width", [330, 680])
def test_names_of_dots_do_not_lie_on_each_other(width):
    points = [
        Dot(f"configuration-{i}", 1 + i / 10, 0.5 + i / 100, best=True, planned=False) for i in range(8)
    ]
    root = parsed(dots((width, 330), points, "t", "d", "x", "a"))

    shown = [one for one in texts(root) if one and one.startswith("conf")]
    assert len(shown) == len(set(shown))
