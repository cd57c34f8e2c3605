"""Whose work a dataset is: a text to print, a table, and a page with thumbnails, made from the manifest."""

import csv
import html
import io
from collections import Counter
from pathlib import Path

from techniques.datasets.licences import Licence
from techniques.datasets.rows import Row
from techniques.datasets.wording import counted

COLUMNS = (
    *(
        "file",
        "class",
        "query",
        "source",
        "source_id",
        "file_url",
        "page_url",
        "title",
        "creator",
        "creator_url",
    ),
    *(
        "license",
        "license_version",
        "license_url",
        "attribution",
        "license_checked_at",
        "license_source_field",
    ),
    *(
        "retrieved_at",
        "http_status",
        "etag",
        "last_modified",
        "content_type",
        "sniffed_type",
        "bytes",
        "sha256",
    ),
    *("fetched_sha256", "source_sha1", "width", "height", "original_width", "original_height", "edits"),
    *("blur", "exposure", "phash"),
)


def present(rows: list[Row], root: Path) -> list[Row]:
    """The rows of pictures that are still there, by file name: what was thrown out needs no credit."""
    kept = [row for row in rows if row["status"] == "kept" and (root / row["file"]).is_file()]
    return sorted(kept, key=lambda row: str(row["file"]))


def table(kept: list[Row]) -> str:
    """One line a picture, as CSV."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in kept:
        writer.writerow([_cell(row.get(name)) for name in COLUMNS])
    return written.getvalue()


def text(kept: list[Row]) -> str:
    """``ATTRIBUTION.md``: how many pictures stand under which licence, then a line for each."""
    lines = ["# Attribution", "", f"{counted(len(kept), 'picture')}.", ""]
    for name, count in summary(kept).items():
        lines.append(f"- {name}: {count}")
    lines += [f"- {note}" for note in warnings(kept)]
    label = None
    for row in kept:
        if row["class"] != label:
            label = row["class"]
            lines += ["", f"## {_markdown(label)}", ""]
        edits = f" Changed: {_markdown(row['edits'])}." if row.get("edits") else ""
        source = f" <{address}>." if (address := _address(row["page_url"])) else ""
        lines.append(f"- `{row['file']}`: {_markdown(row['attribution'])}{source}{edits}")
    return "\n".join(lines) + "\n"


def page(kept: list[Row]) -> str:
    """``credits.html``: the same with the pictures themselves, which lie beside it."""
    items = "\n".join(_figure(row) for row in kept)
    counts = ", ".join(f"{html.escape(name)}: {count}" for name, count in summary(kept).items())
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Picture credits</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<style>body{font:15px/1.4 sans-serif;margin:2em}ul{display:grid;gap:1em;padding:0;list-style:none;"
        "grid-template-columns:repeat(auto-fill,minmax(12em,1fr))}img{width:100%;height:9em;object-fit:cover}"
        "p{margin:.3em 0;font-size:.8em;overflow-wrap:anywhere}</style>\n"
        f"<h1>Picture credits</h1>\n<p>{counted(len(kept), 'picture')}. {counts}</p>\n"
        f"<ul>\n{items}\n</ul>\n</html>\n"
    )


def _figure(row: Row) -> str:
    picture = f'<img loading="lazy" alt="" src="{html.escape(row["file"])}">'
    if address := _address(row["page_url"]):
        picture = f'<a href="{html.escape(address)}">{picture}</a>'
    return f"<li>{picture}<p>{html.escape(row['attribution'])}</p></li>"


def summary(kept: list[Row]) -> dict[str, int]:
    """Pictures for each licence, most first."""
    counted = Counter(Licence(row["license"], row["license_version"]).name for row in kept)
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def warnings(kept: list[Row]) -> list[str]:
    """What the licences ask of whoever shows results."""
    notes = []
    if any(not Licence(row["license"]).commercial for row in kept):
        notes.append("some may not be used commercially (NC): fine for coursework, not for a paid project")
    if any("sa" in row["license"].split("-") for row in kept):
        notes.append("some ask that what is made from them is shared under the same licence (SA)")
    return notes


def _cell(value: object) -> object:
    # A spreadsheet would run a title that begins like a formula (OWASP, CSV injection).
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


def _markdown(value: str) -> str:
    return "".join(
        f"\\{letter}" if letter in "\\`*_[]()<>|#!" else letter for letter in " ".join(value.split())
    )


def _address(url: str) -> str:
    return url if url.startswith(("https://", "http://")) and not set(url) & set("<> \"'\n") else ""
