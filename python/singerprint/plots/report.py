"""write_report: tables, figures and notes as one HTML page that needs no other file, with PNGs beside it.

Every picture is inside the page as base64; no script, no font, no address is fetched.
"""

import base64
import io
import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from singerprint.atomic_file import write_files

_DOTS_PER_INCH = 160  # sharp on displays with up to two device pixels a CSS pixel at the size of the page

_WIDE_INCHES = (
    8.5  # from here on a figure takes the whole width of the page: half would make its letters tiny
)

_STYLE = """
:root { color-scheme: light dark;
  --ink: #1f2328; --soft: #59636e; --line: #d8dde3; --page: #ffffff; --card: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9aa4af; --line: #343b43; --page: #14181d; --card: #1c2127; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 0.6rem; }
p { margin: 0.5rem 0; max-width: 46rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: 0.9rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 0.5rem 0.9rem; text-align: left; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th { background: var(--card); color: var(--soft); font-size: 0.85rem; font-weight: 600; }
tbody tr:last-child > * { border-bottom: 0; }
tbody th { background: none; color: var(--ink); font-size: 1rem; }
.number { text-align: right; }
.figures { display: grid; gap: 1.25rem; align-items: start; margin-top: 2.5rem; grid-auto-flow: dense;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; overflow: hidden; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
.wide { grid-column: 1 / -1; }
figure img { display: block; width: 100%; height: auto; background: #ffffff; }
figcaption { padding: 0.7rem 0.9rem; color: var(--soft); font-size: 0.9rem;
  border-top: 1px solid var(--line); }
@media print { figure, .scroll { break-inside: avoid; } }
"""


class ReportTable(NamedTuple):
    """A table of the report.

    Attributes:
        title: heading.
        columns: heading of each column; the first column names the row.
        rows: cells of each row; numbers are printed with four significant digits, text as it is.
        note: a sentence below the table, how to read it.

    Example:
        >>> ReportTable("Results", ["model", "EER"], [["untrained", "38.2 %"]]).title
        'Results'
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | float]]
    note: str = ""


class ReportFigure(NamedTuple):
    """A figure of the report.

    Attributes:
        name: stem of its PNG: letters, digits, "-" and "_".
        figure: the matplotlib figure.
        alt: what a reader sees who cannot see it.
        caption: a sentence below the figure.

    Example:
        >>> ReportFigure("loss", Figure(), "The loss falls.").name
        'loss'
    """

    name: str
    figure: Figure
    alt: str
    caption: str = ""


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def _is_number(cell: str | float) -> bool:
    return not isinstance(cell, str) or re.match(r"[-+\u2212]?\d|[\u2013\u2014-]?$", cell) is not None


def _cell_text(cell: str | float) -> str:
    return escape(f"{cell:.4g}" if isinstance(cell, float) else str(cell))


def _table_html(table: ReportTable) -> str:
    numeric = [
        column > 0 and all(_is_number(row[column]) for row in table.rows)
        for column in range(len(table.columns))
    ]
    kinds = [' class="number"' if is_number else "" for is_number in numeric]
    head = "".join(
        f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(table.columns, kinds, strict=True)
    )
    body = "\n".join(
        f'<tr><th scope="row">{_cell_text(row[0])}</th>'
        + "".join(f"<td{kind}>{_cell_text(c)}</td>" for c, kind in zip(row[1:], kinds[1:], strict=True))
        + "</tr>"
        for row in table.rows
    )
    note = f'<p class="soft">{escape(table.note)}</p>' if table.note else ""
    return (
        f"<section><h2>{escape(table.title)}</h2>\n"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'
        f"{note}</section>"
    )


def _figure_html(figure: ReportFigure, png: bytes) -> str:
    # a PNG states width and height in bytes 16 to 24; with them the page does not jump while it loads
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    data = base64.b64encode(png).decode("ascii")
    wide = ' class="wide"' if figure.figure.get_figwidth() >= _WIDE_INCHES else ""
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
    return (
        f'<figure{wide}><img width="{width}" height="{height}" alt="{escape(figure.alt)}" '
        f'src="data:image/png;base64,{data}">{caption}</figure>'
    )


def _check(tables: Sequence[ReportTable], figures: Sequence[ReportFigure]) -> None:
    for table in tables:
        for number, row in enumerate(table.rows):
            if len(row) != len(table.columns):
                raise ValueError(
                    f"write_report: tables must have {len(table.columns)} cells in every row of "
                    f"{table.title!r}, got {len(row)} in row {number}"
                )
    names = [figure.name for figure in figures]
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise ValueError(
                f"write_report: figures must have names of letters, digits, '-' and '_', got {name!r}"
            )
        if names.count(name) > 1:
            raise ValueError(f"write_report: figures must have different names, got {name!r} twice")


def write_report(
    path: str | os.PathLike[str],
    title: str,
    tables: Sequence[ReportTable] = (),
    figures: Sequence[ReportFigure] = (),
    notes: Sequence[str] = (),
) -> list[Path]:
    """Writes a page of tables, figures and notes that can be moved and mailed as one file.

    Args:
        path: the HTML file; its folder is made where it is missing.
        title: heading of the page.
        tables: shown first, in order.
        figures: shown next, in order; each also becomes ``<name>.png`` beside the page.
        notes: paragraphs at the end: data, settings, versions.

    Returns:
        The files written: the page, then the PNGs in order.

    Raises:
        OSError: if a file cannot be written; no half of one is left behind.
        ValueError: if a row has not as many cells as the table columns, or names of figures are equal or no
            file names.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = ReportTable("Results", ["model", "EER"], [["untrained", "38.2 %"]])
        ...     [file.name for file in write_report(Path(folder) / "report.html", "Demo", [table])]
        ['report.html']
    """
    _check(tables, figures)
    page = Path(path)
    page.parent.mkdir(parents=True, exist_ok=True)
    pngs = [_png(figure.figure) for figure in figures]
    pictures = "\n".join(map(_figure_html, figures, pngs))
    content = "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
            f"<h1>{escape(title)}</h1>",
            *map(_table_html, tables),
            f'<div class="figures">\n{pictures}\n</div>' if figures else "",
            "<section><h2>Notes</h2>" if notes else "",
            *(f'<p class="soft">{escape(note)}</p>' for note in notes),
            "</section>" if notes else "",
            "</main>\n</body>\n</html>\n",
        ]
    )
    files = [page.with_name(f"{figure.name}.png") for figure in figures]
    write_files({**dict(zip(files, pngs, strict=True)), page: content.encode("utf-8")})
    return [page, *files]
