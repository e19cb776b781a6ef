from pathlib import Path

import pytest

from singerprint.data import read_index, scan_folder


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def refusal(function, root):
    with pytest.raises(ValueError) as caught:
        function(root)
    return str(caught.value)


def test_the_first_folder_is_the_singer_and_the_second_the_level(tmp_path):
    touch(tmp_path, "ben/belt/deep/x.FLAC", "anna/b.ogg", "anna/a.Mp3", "ben/soft/y.wav")
    found = [(file.name, file.singer, file.level) for file in scan_folder(tmp_path)]
    assert found == [
        ("anna/a.Mp3", "anna", None),
        ("anna/b.ogg", "anna", None),
        ("ben/belt/deep/x.FLAC", "ben", "belt"),
        ("ben/soft/y.wav", "ben", "soft"),
    ]
    assert all(file.path == tmp_path / file.name for file in scan_folder(str(tmp_path)))


def test_each_file_of_a_flat_folder_is_its_own_singer(tmp_path):
    touch(tmp_path, "two.wav", "one.wav")
    assert [(file.singer, file.level) for file in scan_folder(tmp_path)] == [("one", None), ("two", None)]


def test_hidden_and_other_files_are_left_out(tmp_path):
    touch(tmp_path, "a/x.wav", "a/._x.wav", "a/.y.wav", ".trash/z.wav", "a/notes.txt", "a/wav", "index.csv")
    (tmp_path / "a" / "folder.wav").mkdir()
    assert [file.name for file in scan_folder(tmp_path)] == ["a/x.wav"]


def test_loops_of_links_end_and_links_to_elsewhere_are_followed(tmp_path):
    touch(tmp_path, "data/a/x.wav", "elsewhere/y.wav")
    (tmp_path / "data/a/up").symlink_to(tmp_path / "data", target_is_directory=True)
    (tmp_path / "data/a/self").symlink_to(tmp_path / "data/a", target_is_directory=True)
    (tmp_path / "data/b").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "data/broken").symlink_to(tmp_path / "nowhere")
    assert [file.name for file in scan_folder(tmp_path / "data")] == ["a/x.wav", "b/y.wav"]


def test_a_folder_without_audio_is_refused_by_name(tmp_path):
    touch(tmp_path, "notes.txt", "empty/readme.md")
    op = "scan_folder: root must"
    missing, file = tmp_path / "no", tmp_path / "notes.txt"
    assert refusal(scan_folder, missing) == f"{op} be an existing folder, got {missing}"
    assert refusal(scan_folder, file) == f"{op} be a folder, got the file {file}"
    assert refusal(scan_folder, tmp_path) == (
        f"{op} hold audio files (.flac, .mp3, .ogg, .wav), got none in {tmp_path}"
    )


@pytest.mark.parametrize("column", ("path", "file"))
@pytest.mark.parametrize("up", (".", "..", "../.."))
def test_the_nearest_table_that_lists_the_files_describes_them(tmp_path, column, up):
    root = tmp_path / "set" / "train"
    touch(root, "anna/x.wav", "anna/y.wav", "ben/z.wav")
    table = (root / up / "index.csv").resolve()
    prefix = root.relative_to(table.parent).as_posix()
    table.write_text(
        f'style,{column},song\nbelt,{prefix}/anna/x.wav,"One, two"\nsoft,./{prefix}/ben/z.wav,Three\n'
        f"soft,{prefix}/ben/gone.wav,Four\nsoft,../other/w.wav,Five\n",
        encoding="utf-8-sig",
    )
    rows = read_index(root)
    assert {name: (row["style"], row["song"]) for name, row in rows.items()} == {
        "anna/x.wav": ("belt", "One, two"),
        "ben/z.wav": ("soft", "Three"),
    }
    assert set(rows) < {file.name for file in scan_folder(root)}


def test_a_table_about_other_files_is_passed_over(tmp_path):
    root = tmp_path / "set" / "train"
    touch(root, "anna/x.wav")
    (tmp_path / "set" / "index.csv").write_text("price,weight\n1,2\n")
    (tmp_path / "index.csv").write_text("path,song\nset/train/anna/x.wav,One\n")
    assert read_index(root)["anna/x.wav"]["song"] == "One"
    # three folders up is too far
    assert read_index(root / "anna") == {}


def test_without_a_table_nothing_is_known(tmp_path):
    touch(tmp_path, "a/b/c/x.wav")
    assert read_index(tmp_path / "a" / "b" / "c") == {}


def test_a_wrong_table_is_refused_by_name(tmp_path):
    touch(tmp_path, "x.wav")
    table = tmp_path / "index.csv"
    table.write_text("song,style\n1,2\n")
    assert refusal(read_index, tmp_path) == (
        f"read_index: {table} must have a column path or file, got song, style"
    )
    table.write_text("path,song\nx.wav,One\nx.wav,Two\n")
    assert refusal(read_index, tmp_path) == (
        f"read_index: {table} must list a file once, got x.wav again in row 3"
    )
    table.write_text("path,song\nx.wav\n")
    assert refusal(read_index, tmp_path) == f"read_index: row 2 of {table} must have 2 values, got 1"
    table.write_bytes(b"path,song\nx.wav,\xff\n")
    assert refusal(read_index, tmp_path).startswith(
        f"read_index: {table} must be a readable UTF-8 table, got"
    )
