"""training_curve: what stands in the rows is what is drawn."""

import numpy as np
import pytest

from singerprint.plots import training_curve


def made_up(rows=200):
    generator = np.random.default_rng(0)
    metrics = [
        {"step": 10 * i, "loss": 5.0 - i / rows + 0.1 * generator.normal(), "learning_rate": 1e-4 * i / rows}
        for i in range(1, rows + 1)
    ]
    return [*metrics, {"step": 1000, "validation_eer": 0.3}, {"step": 2000, "validation_eer": 0.2}]


def line(axes, number=0):
    return np.asarray(axes.lines[number].get_xydata())


def test_each_series_has_its_panel():
    metrics = made_up()
    figure = training_curve(metrics)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Loss", "Validation equal error rate", "Learning rate"]
    np.testing.assert_array_equal(line(figure.axes[0])[:, 1], [row["loss"] for row in metrics[:200]])
    np.testing.assert_array_equal(line(figure.axes[1]), [[1000, 0.3], [2000, 0.2]])
    np.testing.assert_array_equal(line(figure.axes[2])[:, 1], [row["learning_rate"] for row in metrics[:200]])


def test_series_that_are_missing_have_no_panel():
    figure = training_curve([{"step": 1, "loss": 2.0, "validation_eer": None}, {"step": 2, "loss": 1.0}])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Loss"]


def test_the_order_of_rows_changes_nothing():
    forward, backward = training_curve(made_up()), training_curve(made_up()[::-1])
    np.testing.assert_array_equal(line(forward.axes[0]), line(backward.axes[0]))


def test_the_smooth_line_is_the_mean_of_its_window():
    figure = training_curve(made_up())
    raw, smooth = line(figure.axes[0], 0)[:, 1], line(figure.axes[0], 1)[:, 1]
    assert smooth[100] == pytest.approx(
        raw[95:106].mean(), abs=1e-12
    )  # a difference of running sums near 1000
    assert smooth[0] == pytest.approx(raw[:6].mean(), abs=1e-12)
    assert len(smooth) == len(raw)


def test_the_best_validation_error_is_printed():
    assert "best 20.0%" in [text.get_text() for text in training_curve(made_up()).axes[1].texts]


def test_one_row_is_drawn(tmp_path):
    training_curve([{"step": 1, "loss": 2.0, "learning_rate": 0.0, "validation_eer": 0.5}]).savefig(
        tmp_path / "curve.png"
    )
    assert (tmp_path / "curve.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([{"loss": 1.0}], "training_curve: metrics must have a step in every row, got none in row 0"),
        ([{"step": 1}], "training_curve: metrics must hold a loss, got none in 1 rows"),
        ([], "training_curve: metrics must hold a loss, got none in 0 rows"),
    ],
)
def test_bad_metrics_are_named(metrics, message):
    with pytest.raises(ValueError) as raised:
        training_curve(metrics)
    assert str(raised.value) == message
