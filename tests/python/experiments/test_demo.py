import pytest

from singerprint.data import SingerFile
from singerprint.experiments import DemoConfig, run_demo
from singerprint.experiments.demo import split_singers


def files(**counts):
    return [
        SingerFile(None, f"{singer}/{number}", singer, None)
        for singer, count in counts.items()
        for number in range(count)
    ]


def test_no_singer_is_on_both_sides_and_every_measured_singer_has_two_files():
    split = split_singers(files(a=2, b=3, c=1, d=2, e=2, f=5, g=2), seed=0)
    measured = {file.singer for file in split.test}
    assert measured
    assert not measured & {file.singer for file in split.train}
    assert "c" not in measured
    assert len(split.train) + len(split.test) == 17


def test_the_split_is_a_function_of_the_seed():
    singers = files(**{f"s{number}": 2 for number in range(20)})
    assert split_singers(singers, seed=3) == split_singers(singers, seed=3)
    assert split_singers(singers, seed=3) != split_singers(singers, seed=4)


def test_too_few_singers_are_refused():
    with pytest.raises(ValueError) as caught:
        split_singers(files(a=2, b=2, c=1), seed=0)
    assert str(caught.value) == (
        "demo: data must hold at least 6 singers, two of them with two files or more, "
        "got 3 singers, 2 with two files or more"
    )


def test_a_folder_of_the_users_own_is_not_removed(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError) as caught:
        run_demo(DemoConfig(out=tmp_path))
    assert (
        str(caught.value) == f"demo: out must not hold a folder run that is no training run, got {tmp_path}"
    )
    assert (tmp_path / "run" / "thesis.txt").exists()


def test_the_demo_writes_a_report_that_stands_alone(tmp_path, monkeypatch):
    sizes = {"TRAIN_SINGERS": 4, "SONGS_PER_RECORDING": 2, "TEST_SINGERS": 3, "FILES_PER_TEST_SINGER": 2}
    for name, value in sizes.items():
        monkeypatch.setattr(f"singerprint.experiments.demo.{name}", value)
    page = run_demo(DemoConfig(out=tmp_path, steps=2, batch_size=4, crop_seconds=0.5))
    text = page.read_text(encoding="utf-8")
    for words in ("trained here", "untrained", "MFCC statistics", "EER", "MNR", "clips/s"):
        assert words in text
    assert text.count("data:image/png;base64,") == 4
    assert "http" not in text
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert pictures == ["map.png", "scores.png", "similarity.png", "training.png"]
