"""write_report: one file that holds everything, well-formed, safe against any name, never half written."""

import base64
import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from singerprint.plots import ReportFigure, ReportTable, write_report

VOID = {"meta", "img", "br"}
TABLE = ReportTable(
    "Results",
    ["model", "EER", "interval", "trained on"],
    [["ours", 0.123456, "1 \u2013 2 %", "songs"]],
    "Lower.",
)


class Page(HTMLParser):
    """Collects text and attributes, and asserts that every tag is closed in order."""

    def __init__(self, content):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(content)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def attributes(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def drawing(width=4.0):
    figure = Figure(figsize=(width, 3.0))
    figure.subplots().plot([1, 2, 3])
    return figure


def written(folder, *arguments, **options):
    files = write_report(folder / "report.html", *arguments, **options)
    return files, Page(files[0].read_text(encoding="utf-8"))


def test_tables_figures_and_notes_stand_in_the_page(tmp_path):
    figures = [ReportFigure("loss", drawing(), "The loss falls.", "Training.")]
    _, page = written(tmp_path, "Demo", [TABLE], figures, ["Seed 0."])
    for text in (
        "Demo",
        "Results",
        "model",
        "ours",
        "0.1235",
        "1 \u2013 2 %",
        "Lower.",
        "Training.",
        "Seed 0.",
    ):
        assert text in page.text
    assert page.attributes("img")[0]["alt"] == "The loss falls."


def test_the_pictures_in_the_page_are_the_files_beside_it(tmp_path):
    figures = [ReportFigure("a", drawing(), "A"), ReportFigure("b-2_x", drawing(9.0), "B")]
    files, page = written(tmp_path, "Demo", figures=figures)
    assert [file.name for file in files] == ["report.html", "a.png", "b-2_x.png"]
    for file, image in zip(files[1:], page.attributes("img"), strict=True):
        prefix, _, data = image["src"].partition(",")
        assert prefix == "data:image/png;base64"
        assert base64.b64decode(data) == file.read_bytes()
        assert file.read_bytes().startswith(b"\x89PNG")
        assert (int(image["width"]), int(image["height"])) == (640 if file.stem == "a" else 1440, 480)


def test_nothing_is_fetched_from_elsewhere(tmp_path):
    files, page = written(tmp_path, "Demo", [TABLE], [ReportFigure("a", drawing(), "A")], ["note"])
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?:|url\(|@import", files[0].read_text(encoding="utf-8"))


def test_names_that_look_like_markup_are_shown_as_they_are(tmp_path):
    name = "<script>alert('ü&\"歌')</script>"
    table = ReportTable(name, [name, name], [[name, name]], name)
    _, page = written(tmp_path, name, [table], [ReportFigure("a", drawing(), name, name)], [name])
    # title, h1, h2, two columns, two cells, table note, caption, note
    assert page.text.count(name) == 10
    assert page.attributes("img")[0]["alt"] == name
    assert "script" not in {tag for tag, _ in page.tags}


def test_columns_of_numbers_are_flush_right_and_names_are_not(tmp_path):
    _, page = written(tmp_path, "Demo", [TABLE])
    assert [attributes.get("class") for attributes in page.attributes("th")[:4]] == [
        None,
        "number",
        "number",
        None,
    ]


def test_light_dark_and_narrow_screens_are_provided_for(tmp_path):
    files, page = written(tmp_path, "Demo")
    style = files[0].read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in style
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.attributes("meta")


def test_the_same_report_is_the_same_bytes(tmp_path):
    contents = []
    for folder in ("one", "two"):
        files = write_report(
            tmp_path / folder / "r.html", "Demo", [TABLE], [ReportFigure("a", drawing(), "A")]
        )
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]


def test_a_write_that_fails_leaves_the_old_page_and_nothing_else(tmp_path, monkeypatch):
    write_report(tmp_path / "report.html", "Old")
    before = (tmp_path / "report.html").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("singerprint.plots.report.Path.replace", full)
    with pytest.raises(OSError, match="No space left on device"):
        write_report(tmp_path / "report.html", "New")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("tables", "figures", "message"),
    [
        (
            [ReportTable("Results", ["a", "b"], [["x", 1], ["y"]])],
            [],
            "write_report: tables must have 2 cells in every row of 'Results', got 1 in row 1",
        ),
        (
            [],
            [ReportFigure("../x", Figure(), "A")],
            "write_report: figures must have names of letters, digits, '-' and '_', got '../x'",
        ),
        (
            [],
            [ReportFigure("x", Figure(), "A"), ReportFigure("x", Figure(), "B")],
            "write_report: figures must have different names, got 'x' twice",
        ),
    ],
)
def test_bad_content_is_named_before_anything_is_written(tmp_path, tables, figures, message):
    with pytest.raises(ValueError) as raised:
        write_report(tmp_path / "folder" / "report.html", "Demo", tables, figures)
    assert str(raised.value) == message
    assert not list(tmp_path.iterdir())
