"""similarity_matrix: the numbers in the cells against plain loops, and what the figure shows."""

import numpy as np
import pytest
import torch

from singerprint.plots import similarity_matrix
from singerprint.plots.similarity_matrix import singer_similarities


def mean_cosines(embeddings, singers):
    """Mean over all pairs of different files, singer by singer."""
    names = list(dict.fromkeys(singers))
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    matrix = np.full((len(names), len(names)), np.nan)
    for a, b in np.ndindex(*matrix.shape):
        cosines = [
            unit[i] @ unit[j]
            for i in range(len(singers))
            for j in range(len(singers))
            if i != j and singers[i] == names[a] and singers[j] == names[b]
        ]
        if cosines:
            matrix[a, b] = np.mean(cosines)
    return matrix


def made_up(singers=6, files=4, dim=8, seed=0):
    generator = np.random.default_rng(seed)
    codes = np.repeat(np.arange(singers), files)
    return generator.normal(size=(singers, dim))[codes] + generator.normal(size=(len(codes), dim)), codes


def shown(figure):
    axes = figure.axes[0]
    return axes.images[0].get_array(), [label.get_text() for label in axes.get_yticklabels()]


def test_cells_equal_the_mean_cosine_of_all_pairs_of_different_files():
    embeddings, singers = made_up()
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    # means of at most 16 cosines: a few roundings
    np.testing.assert_allclose(
        singer_similarities(unit, singers), mean_cosines(embeddings, singers), atol=1e-14
    )


def test_the_figure_shows_the_cells_under_their_names():
    embeddings, singers = made_up()
    matrix, names = shown(similarity_matrix(embeddings, [f"singer{number}" for number in singers]))
    order = [int(name.removeprefix("singer")) for name in names]
    expected = mean_cosines(embeddings, singers)[np.ix_(order, order)]
    np.testing.assert_allclose(matrix, expected, atol=1e-14)  # roundings
    assert sorted(order) == list(range(6))


def test_a_singer_with_one_file_has_an_empty_cell_on_the_diagonal():
    figure = similarity_matrix([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], ["ann", "ann", "bo"])
    matrix, names = shown(figure)
    assert np.ma.getmaskarray(np.ma.masked_invalid(matrix)).tolist() == [[False, False], [False, True]]
    assert names == ["ann", "bo"]
    assert [text.get_text() for text in figure.axes[0].texts if text.get_text().startswith(".")] == [
        ".60",
        ".40",
        ".40",
    ]


def test_singers_that_sound_alike_stand_together():
    generator = np.random.default_rng(1)
    registers = generator.normal(size=(2, 16)) * 3
    voices = registers[np.arange(20) % 2] + 0.3 * generator.normal(size=(20, 16))
    embeddings = np.repeat(voices, 3, axis=0) + 0.1 * generator.normal(size=(60, 16))
    _, names = shown(similarity_matrix(embeddings, np.repeat(np.arange(20), 3)))
    register = [int(name) % 2 for name in names]
    assert register in ([0] * 10 + [1] * 10, [1] * 10 + [0] * 10)


def test_values_are_printed_up_to_fifteen_singers():
    for singers, printed in ((15, 225), (16, 0)):
        figure = similarity_matrix(*made_up(singers=singers))
        values = [text for text in figure.axes[0].texts if "." in text.get_text()]
        assert len(values) == printed


@pytest.mark.parametrize("singers", [1, 2, 3, 40])
def test_nothing_is_cut_off(singers, tmp_path):
    embeddings, codes = made_up(singers=singers)
    figure = similarity_matrix(embeddings, [f"a-singer-with-a-long-name-{code}" for code in codes])
    figure.savefig(tmp_path / "matrix.png")
    axes = figure.axes[0]
    texts = [axes.title, *axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels()]
    for box in (text.get_window_extent() for text in texts if text.get_text()):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1


def test_a_tensor_gives_the_matrix_of_its_array():
    embeddings, singers = made_up()
    from_tensor, _ = shown(similarity_matrix(torch.tensor(embeddings, requires_grad=True), singers))
    np.testing.assert_array_equal(from_tensor, shown(similarity_matrix(embeddings, singers))[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ([1.0, 2.0], ["a", "b"]),
            "similarity_matrix: embeddings must have shape (files, dim) with at least one file, got (2,)",
        ),
        (
            (np.empty((0, 3)), []),
            "similarity_matrix: embeddings must have shape (files, dim) with at least one file, got (0, 3)",
        ),
        (
            ([[1.0], [2.0]], ["a"]),
            "similarity_matrix: singers must hold one label for each of 2 files, got 1",
        ),
        (
            ([[1.0], [0.0]], ["a", "b"]),
            "similarity_matrix: embeddings must have a finite length above zero, got 0.0 at row 1",
        ),
        (
            ([[1.0], [np.nan]], ["a", "b"]),
            "similarity_matrix: embeddings must have a finite length above zero, got nan at row 1",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError) as raised:
        similarity_matrix(*arguments)
    assert str(raised.value) == message
