"""embedding_map: neighbours stay neighbours, names are readable, equal arguments draw equal maps."""

import importlib
import itertools

import numpy as np
import pytest

from singerprint.plots import embedding_map
from singerprint.plots.label_placement import place_labels


def made_up(singers=8, files=6, dim=16, spread=0.3, seed=0):
    generator = np.random.default_rng(seed)
    codes = np.repeat(np.arange(singers), files)
    voices = generator.normal(size=(singers, dim))
    return voices[codes] + spread * generator.normal(size=(len(codes), dim)), [f"singer{c}" for c in codes]


def drawn_points(figure):
    return [np.asarray(collection.get_offsets()) for collection in figure.axes[0].collections]


def names_on(figure):
    return [text for text in figure.axes[0].texts if text.get_text().startswith("singer")]


def test_the_nearest_neighbour_on_the_map_is_a_file_of_the_same_singer():
    points = np.concatenate(drawn_points(embedding_map(*made_up())))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(len(points))
    assert (distances.argmin(axis=1) // 6 == np.arange(48) // 6).mean() > 0.95


def test_every_file_is_drawn_once_and_every_singer_named_once():
    figure = embedding_map(*made_up(singers=12, files=5))
    assert [len(points) for points in drawn_points(figure)] == [5] * 12
    assert sorted(text.get_text() for text in names_on(figure)) == sorted(f"singer{n}" for n in range(12))


def test_equal_arguments_draw_equal_maps():
    first, second = (np.concatenate(drawn_points(embedding_map(*made_up(), seed=3))) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_few_files_keep_their_distances_in_the_plane():
    embeddings = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-1.0, 0.0]])
    points = np.concatenate(drawn_points(embedding_map(embeddings, ["singer"] * 4)))
    for i, j in itertools.combinations(range(4), 2):
        # principal components of a plane are a rotation of it
        expected = np.linalg.norm(embeddings[i] - embeddings[j])
        assert np.linalg.norm(points[i] - points[j]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "embeddings",
    [np.ones((1, 4)), np.ones((40, 4)), np.arange(1.0, 4.0).reshape(3, 1), np.full((40, 1), -1.0)],
    ids=["one file", "equal files", "one dimension", "equal files of one dimension"],
)
def test_degenerate_embeddings_are_drawn(embeddings, tmp_path):
    figure = embedding_map(embeddings, [f"singer{number % 3}" for number in range(len(embeddings))])
    figure.savefig(tmp_path / "map.png")
    assert np.isfinite(np.concatenate(drawn_points(figure))).all()


@pytest.mark.parametrize("spread", [0.1, 5.0], ids=["trained", "untrained"])
def test_forty_names_do_not_lie_on_each_other(spread, tmp_path):
    figure = embedding_map(*made_up(singers=40, spread=spread))
    figure.savefig(tmp_path / "map.png", dpi=figure.dpi)
    boxes = [text.get_window_extent() for text in names_on(figure)]
    assert len(boxes) == 40
    for one, two in itertools.combinations(boxes, 2):
        # one pixel: extents are rounded to whole pixels
        across = min(one.x1, two.x1) - max(one.x0, two.x0)
        down = min(one.y1, two.y1) - max(one.y0, two.y0)
        assert min(across, down) <= 1.0


def test_of_very_many_files_a_part_is_drawn(monkeypatch):
    module = importlib.import_module("singerprint.plots.embedding_map")  # the package re-exports the function
    monkeypatch.setattr(module, "_MOST_FILES", 15)
    figure = embedding_map(np.random.default_rng(0).normal(size=(40, 3)), ["singer"] * 40)
    assert sum(map(len, drawn_points(figure))) == 15
    assert figure.axes[0].get_title(loc="left") == "15 files of 1 singer"


def test_labels_leave_points_where_there_is_room():
    points = np.array([[50.0, 50.0], [52.0, 50.0]])
    placed = place_labels(
        np.array([[50.0, 50.0]]), np.array([[20.0, 6.0]]), (0, 0, 100, 100), points, gap=2.0
    )
    covered = (np.abs(points - placed[0]) < [10.0, 3.0]).all(axis=1)
    assert not covered.any()
    assert np.linalg.norm(placed[0] - [50.0, 50.0]) < 10.0


def test_labels_with_equal_places_part_and_stay_inside():
    sizes = np.tile([30.0, 8.0], (10, 1))
    placed = place_labels(np.tile([1.0, 1.0], (10, 1)), sizes, (0, 0, 100, 100), np.empty((0, 2)), gap=0.5)
    for i, j in itertools.combinations(range(10), 2):
        assert (np.abs(placed[i] - placed[j]) >= sizes[0]).any()
    assert (placed - sizes / 2 >= 0).all()
    assert (placed + sizes / 2 <= 100).all()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError) as raised:
        embedding_map([[1.0], [2.0]], ["a"])
    assert str(raised.value) == "embedding_map: singers must hold one label for each of 2 files, got 1"
