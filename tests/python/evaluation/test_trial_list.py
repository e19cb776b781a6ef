"""read_trials: names of any kind are found, and every bad line is named."""

import numpy as np
import pytest

from singerprint.evaluation import read_trials

NAMES = ["ann/a #1.wav", "ann/b, live.wav", "böse/ü 歌.flac", "böse/-x.wav"]


def written(folder, text, encoding="utf-8"):
    path = folder / "trials.txt"
    path.write_bytes(text.encode(encoding))
    return path


def test_labels_and_indices_stand_in_the_order_of_the_file(tmp_path):
    text = "1,ann/a #1.wav,ann/b, live.wav\n0,böse/ü 歌.flac,ann/a #1.wav\n1,böse/ü 歌.flac,böse/-x.wav\n"
    trials = read_trials(written(tmp_path, text), NAMES)
    assert trials.first.tolist() == [0, 2, 2]
    assert trials.second.tolist() == [1, 0, 3]
    assert trials.same.tolist() == [True, False, True]
    assert (trials.first.dtype, trials.same.dtype) == (np.int64, np.bool_)


@pytest.mark.parametrize(
    "text",
    ["1,a,b\r\n0,a,c\r\n", "\ufeff1,a,b\n0,a,c", "\n1,a,b\n\n  \n0,a,c\n", "1, a, b\n0 ,a ,c\n"],
    ids=["windows", "byte order mark", "blank lines", "blanks around commas"],
)
def test_the_usual_ways_of_writing_a_list_are_read_alike(tmp_path, text):
    trials = read_trials(written(tmp_path, text), ["a", "b", "c"])
    assert trials.second.tolist() == [1, 2]


def test_a_line_separator_inside_a_name_does_not_end_the_line(tmp_path):
    names = ["a\u2028b.wav", "c\x85.wav"]
    assert read_trials(written(tmp_path, f"0,{names[0]},{names[1]}\n"), names).second.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "read_trials: {path} must hold at least one trial, got none"),
        ("\n \n", "read_trials: {path} must hold at least one trial, got none"),
        (
            "1,a,b\n2,a,b\n",
            "read_trials: line 2 of {path} must be 'label,path,path' with label 0 or 1, got '2,a,b'",
        ),
        ("1,a\n", "read_trials: line 1 of {path} must be 'label,path,path' with label 0 or 1, got '1,a'"),
        ("a b\n", "read_trials: line 1 of {path} must be 'label,path,path' with label 0 or 1, got 'a b'"),
        ("1,a,b\n\n1,a,z\n", "read_trials: line 3 of {path} must name files of the data set, got 'z'"),
        ("1,y,b\n", "read_trials: line 1 of {path} must name files of the data set, got 'y'"),
        ("1,a,x,b\n", "read_trials: line 1 of {path} must name files of the data set, got 'a,x,b'"),
        ("1,a,c,b\n", "read_trials: line 1 of {path} must name two files in one way only, got 'a,c,b'"),
    ],
)
def test_bad_lines_are_named(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(ValueError) as raised:
        read_trials(path, ["a", "b", "a,c", "c,b"])
    assert str(raised.value) == message.format(path=path)


def test_a_list_in_another_encoding_is_refused(tmp_path):
    path = written(tmp_path, "1,ü,b\n", "latin-1")
    with pytest.raises(ValueError) as raised:
        read_trials(path, ["a"])
    assert str(raised.value) == f"read_trials: {path} must be UTF-8 text, got invalid start byte"


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.txt"):
        read_trials(tmp_path / "missing.txt", NAMES)
