import matplotlib.figure
import pytest

from hnseg.evaluate.click_curves import click_curve
from hnseg.report import click_figure
from hnseg.report.canvas import PHANTOM_TEXT
from tests.report.clicks import click_rows


@pytest.fixture
def drawn(monkeypatch):
    """The figure behind the picture."""
    found = []

    def keep(figure: matplotlib.figure.Figure, *, phantom):
        found.append(figure)
        return b"png"

    monkeypatch.setattr(click_figure, "to_png", keep)

    def draw(**options):
        click_figure.click_curves(click_curve(click_rows(**options), range(11)), phantom=False)
        return found[-1]

    return draw


def test_a_line_and_a_band_a_method(drawn):
    (axes,) = drawn().axes
    lines = [line for line in axes.lines if len(line.get_xdata()) == 11]
    assert [list(line.get_ydata())[3] for line in lines] == pytest.approx([0.3, 0.15])
    assert len(axes.collections) == 2
    assert lines[0].get_marker() != lines[1].get_marker()
    assert axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "network, with 95 % interval", "PET threshold, with 95 % interval",
    ]  # fmt: skip


def test_one_patient_promises_no_interval(drawn):
    (legend,) = drawn(cases=["P1"]).legends
    assert [text.get_text() for text in legend.get_texts()] == ["network", "PET threshold"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_a_panel_a_structure_and_none_that_is_empty(drawn, count):
    names = [f"s{i}" for i in range(count)]
    figure = drawn(structures=names, methods=["network"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == [f"Dice by clicks: {name}" for name in names]


def test_a_phantom_is_marked():
    curve = click_curve(click_rows(methods=["network"]))
    assert PHANTOM_TEXT.encode() in click_figure.click_curves(curve, phantom=True)
    assert PHANTOM_TEXT.encode() not in click_figure.click_curves(curve, phantom=False)
