"""Makes the documents that cases of parity are about: on the scoring environment's own packages, so that they open.

making.py FOLDER
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

OUT = Path()


def xlsx(
    name: str, change: Callable[[Any, Any], None] | None = None, sheets: tuple[str, ...] = ("Sheet1", "Second")
) -> None:
    """A small book of sales; `change` is given it and its first sheet."""
    import openpyxl

    book = openpyxl.Workbook()
    first = book.active
    first.title = sheets[0]
    for row in (("Name", "Count", "Price"), ("Apple", 3, 1.25), ("Pear", 12, 0.5), ("Plum", 7, 2.123456)):
        first.append(row)
    for more in sheets[1:]:
        sheet = book.create_sheet(more)
        sheet.append(("Key", "Value"))
        sheet.append(("total", 22))
    if change is not None:
        change(book, first)
    book.save(OUT / name)


def books() -> None:
    """Books that differ from `a.xlsx` in one thing each."""
    from openpyxl.chart import BarChart, Reference
    from openpyxl.styles import Font, PatternFill
    from openpyxl.worksheet.datavalidation import DataValidation

    def cell(where: str, value: Any) -> Callable[[Any, Any], None]:
        return lambda _, sheet: sheet.__setitem__(where, value)

    def bold(_: Any, sheet: Any) -> None:
        sheet["A1"].font = Font(bold=True)
        sheet["B2"].fill = PatternFill("solid", fgColor="FFFF0000")

    def chart(_: Any, sheet: Any) -> None:
        bars = BarChart()
        bars.title = "Sales"
        bars.add_data(Reference(sheet, min_col=2, min_row=1, max_row=4), titles_from_data=True)
        sheet.add_chart(bars, "E2")

    def validated(_: Any, sheet: Any) -> None:
        rule = DataValidation(type="list", formula1='"Yes,No"', allow_blank=True)
        rule.add("D2:D4")
        sheet.add_data_validation(rule)

    def frozen(_: Any, sheet: Any) -> None:
        sheet.freeze_panes = "A2"

    def zoomed(_: Any, sheet: Any) -> None:
        sheet.sheet_view.zoomScale = 150

    def filtered(_: Any, sheet: Any) -> None:
        sheet.auto_filter.ref = "A1:C4"

    def wide(_: Any, sheet: Any) -> None:
        sheet.column_dimensions["A"].width = 33
        sheet.column_dimensions["B"].hidden = True
        sheet.row_dimensions[2].height = 40

    xlsx("a.xlsx")
    xlsx("a_same.xlsx")
    xlsx("a_other.xlsx", cell("B3", 13))
    xlsx("a_near.xlsx", cell("C4", 2.123461))
    xlsx("a_text.xlsx", cell("A2", "apple "))
    xlsx("a_names.xlsx", sheets=("Sheet1", "Third"))
    for name, change in (
        ("style", bold),
        ("chart", chart),
        ("valid", validated),
        ("freeze", frozen),
        ("zoom", zoomed),
        ("filter", filtered),
        ("wide", wide),
    ):
        xlsx(f"a_{name}.xlsx", change)
    (OUT / "broken.xlsx").write_bytes(b"PK\x03\x04 this is no book")
    (OUT / "a-Sheet1.csv").write_text("Name,Count,Price\nApple,3,1.25\n")
    (OUT / "a_gold-Sheet1.csv").write_text("Name,Count,Price\nApple,3,1.25\n\n")
    (OUT / "a_caps-Sheet1.csv").write_text("NAME,Count,Price\nApple,3,1.25\n")


def docx(name: str, lines: tuple[str, ...], change: Callable[[Any], None] | None = None) -> None:
    """A document of plain paragraphs; `change` is given it."""
    from docx import Document

    made = Document()
    for line in lines:
        made.add_paragraph(line)
    if change is not None:
        change(made)
    made.save(OUT / name)


def documents() -> None:  # noqa: C901 - one small change each
    """Documents that differ from `a.docx` in one thing each."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK, WD_COLOR_INDEX, WD_LINE_SPACING
    from docx.oxml import OxmlElement
    from docx.shared import Inches, Pt, RGBColor

    lines = ("Introduction of things", "The body has words", "A conclusion follows")

    def runs(change: Callable[[Any], None]) -> Callable[[Any], None]:
        def do(made: Any) -> None:
            for paragraph in made.paragraphs:
                for run in paragraph.runs:
                    change(run)

        return do

    def table(made: Any) -> None:
        grid = made.add_table(rows=2, cols=2)
        for row in range(2):
            for column in range(2):
                grid.cell(row, column).text = f"cell {row}{column}"

    def other_table(made: Any) -> None:
        table(made)
        made.tables[0].cell(1, 1).text = "changed"

    def coloured(made: Any) -> None:
        grid = made.add_table(rows=1, cols=2)
        for cell, (word, colour) in zip(grid.rows[0].cells, (("apple", "FF0000"), ("pear", "0000FF")), strict=True):
            run = cell.paragraphs[0].add_run(word)
            run.font.color.rgb = RGBColor.from_string(colour)

    def spaced(made: Any) -> None:
        for paragraph, rule in zip(
            made.paragraphs,
            (WD_LINE_SPACING.SINGLE, WD_LINE_SPACING.DOUBLE, WD_LINE_SPACING.ONE_POINT_FIVE),
            strict=True,
        ):
            paragraph.paragraph_format.line_spacing_rule = rule

    def centred(made: Any) -> None:
        made.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER

    def struck(made: Any) -> None:
        for run in made.paragraphs[-1].runs:
            run.font.strike = True

    def lit(made: Any) -> None:
        made.paragraphs[0].runs[0].font.highlight_color = WD_COLOR_INDEX.YELLOW

    def broken(made: Any) -> None:
        made.paragraphs[0].runs[0].add_break(WD_BREAK.PAGE)

    def subscript(made: Any) -> None:
        made.paragraphs[1].add_run("2").font.subscript = True

    def numbered(made: Any) -> None:
        made.sections[0].footer.paragraphs[0].text = "Page 1"

    def italic(made: Any) -> None:
        for paragraph in made.paragraphs:
            for run in paragraph.runs:
                run.italic, run.font.size = True, Pt(14)

    def tabbed(made: Any) -> None:
        for paragraph in made.paragraphs:
            paragraph.paragraph_format.tab_stops.add_tab_stop(Inches(3))

    def pictured(made: Any) -> None:
        made.add_picture(str(OUT / "red.png"))

    def equation(made: Any) -> None:
        made.paragraphs[0]._p.append(OxmlElement("m:oMathPara"))

    docx("a.docx", lines)
    docx("a_same.docx", lines)
    docx("a_other.docx", (*lines[:2], "A conclusion follows!"))
    docx("a_case.docx", tuple(line.upper() for line in lines))
    docx("a_order.docx", lines[::-1])
    docx("a_blank.docx", (lines[0], "", *lines[1:]))
    docx("a_spaces.docx", ("Introduction  of things", *lines[1:]))
    docx("empty.docx", ())
    for name, change in (
        ("table", table),
        ("table_other", other_table),
        ("coloured", coloured),
        ("spaced", spaced),
        ("centred", centred),
        ("struck", struck),
        ("lit", lit),
        ("pages", broken),
        ("sub", subscript),
        ("numbered", numbered),
        ("italic", italic),
        ("tabbed", tabbed),
        ("pictured", pictured),
        ("equation", equation),
        ("arial", runs(lambda run: setattr(run.font, "name", "Arial"))),
    ):
        docx(f"a_{name}.docx", lines, change)
    docx("trains.docx", ("1001,Hull,08:00,x", "1002,York,09:00,x", "1001,Hull,08:00,x"))
    docx("trains_once.docx", ("1001,Hull,08:00,x", "1002,York,09:00,x"))
    docx("refs.docx", ("Text", "References", "Smith, J. (2001). On grass.", "Doe, A. (2010). On hay."))
    docx("refs_other.docx", ("Text", "References", "Smith, J. (2001). On grass!", "Doe, B. (2011). On straw."))
    docx("places.docx", ("Paris", "", "Berlin", "Rome"))
    docx("tabs.docx", ("One two three\tfour five", "six seven eight\tnine"))
    (OUT / "broken.docx").write_bytes(b"no document")
    odt("a.odt", lines)
    odt("a_odd.odt", (*lines[:2], "another end"))


def odt(name: str, lines: tuple[str, ...]) -> None:
    """An OpenDocument text."""
    from odf.opendocument import OpenDocumentText
    from odf.text import P

    made = OpenDocumentText()
    for line in lines:
        made.text.addElement(P(text=line))
    made.save(str(OUT / name))


def pptx(name: str, change: Callable[[Any], None] | None = None, slides: int = 2) -> None:
    """A presentation with a title and a list on each slide; `change` is given it."""
    from pptx import Presentation

    made = Presentation()
    for number in range(slides):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = f"Title {number}"
        slide.placeholders[1].text = f"first {number}\nsecond {number}"
    if change is not None:
        change(made)
    made.save(OUT / name)


def presentations() -> None:  # noqa: C901 - one small change each
    """Presentations that differ from `a.pptx` in one thing each."""
    from lxml import etree
    from pptx.dml.color import RGBColor
    from pptx.enum.text import PP_ALIGN
    from pptx.util import Inches, Pt

    def run(change: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda made: change(made.slides[0].placeholders[1].text_frame.paragraphs[0].runs[0])

    def text(made: Any) -> None:
        made.slides[0].shapes.title.text = "Another"

    def aligned(made: Any) -> None:
        made.slides[0].shapes.title.text_frame.paragraphs[0].alignment = PP_ALIGN.RIGHT

    def indented(made: Any) -> None:
        made.slides[0].placeholders[1].text_frame.paragraphs[1].level = 1

    def moved(made: Any) -> None:
        made.slides[0].shapes.title.top = Inches(5)

    def larger(made: Any) -> None:
        made.slides[0].shapes.title.width = Inches(2)

    def noted(made: Any) -> None:
        made.slides[0].notes_slide.notes_text_frame.text = "remember"

    def painted(made: Any) -> None:
        for slide in made.slides:
            slide.background.fill.solid()
            slide.background.fill.fore_color.rgb = RGBColor(0, 0, 255)

    def upright(made: Any) -> None:
        made.slide_width, made.slide_height = made.slide_height, made.slide_width

    def struck(one: Any) -> None:
        one.font._element.set("strike", "sngStrike")

    def dissolving(made: Any) -> None:
        space = "http://schemas.openxmlformats.org/presentationml/2006/main"
        etree.SubElement(etree.SubElement(made.slides[0]._element, f"{{{space}}}transition"), f"{{{space}}}dissolve")

    def pictured(made: Any) -> None:
        made.slides[0].shapes.add_picture(str(OUT / "red.png"), Inches(1), Inches(1), Inches(2), Inches(2))

    def stretched(made: Any) -> None:
        made.slides[0].shapes.add_picture(str(OUT / "red.png"), 0, 0, made.slide_width, made.slide_height)

    def table(made: Any) -> None:
        made.slides[1].shapes.add_table(2, 2, Inches(1), Inches(4), Inches(4), Inches(1))

    pptx("a.pptx")
    pptx("a_same.pptx")
    pptx("a_three.pptx", slides=3)
    for name, change in (
        ("text", text),
        ("aligned", aligned),
        ("indented", indented),
        ("moved", moved),
        ("larger", larger),
        ("noted", noted),
        ("painted", painted),
        ("upright", upright),
        ("dissolving", dissolving),
        ("pictured", pictured),
        ("stretched", stretched),
        ("table", table),
        ("struck", run(struck)),
        ("font", run(lambda one: setattr(one.font, "name", "Arial"))),
        ("size", run(lambda one: setattr(one.font, "size", Pt(44)))),
        ("bold", run(lambda one: setattr(one.font, "bold", True))),
        ("italic", run(lambda one: setattr(one.font, "italic", True))),
        ("underlined", run(lambda one: setattr(one.font, "underline", True))),
        ("red", run(lambda one: setattr(one.font.color, "rgb", RGBColor(255, 0, 0)))),
    ):
        pptx(f"a_{name}.pptx", change)
    (OUT / "broken.pptx").write_bytes(b"no slides")


def png(name: str, width: int, height: int, colour: Callable[[int, int], tuple[int, int, int]]) -> None:
    """A picture of 8-bit RGB."""
    rows = b"".join(b"\0" + bytes(sum((colour(x, y) for x in range(width)), ())) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    (OUT / name).write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def pictures() -> None:
    """Pictures for the metrics of GIMP and VLC."""

    def scene(x: int, y: int) -> tuple[int, int, int]:
        return (x * 3 % 256, y * 5 % 256, (x * y) % 256)

    png("red.png", 32, 32, lambda x, y: (255, 0, 0))
    png("scene.png", 64, 48, scene)
    png("scene_same.png", 64, 48, scene)
    png("scene_dark.png", 64, 48, lambda x, y: tuple(v // 2 for v in scene(x, y)))  # type: ignore[arg-type]
    png("scene_mirror.png", 64, 48, lambda x, y: scene(63 - x, y))
    png("scene_green.png", 64, 48, lambda x, y: (0, 255, 0) if y < 24 else scene(x, y))
    png("small.png", 16, 12, scene)
    png("grey.png", 64, 48, lambda x, y: (128, 128, 128))
    png(
        "triangle.png",
        64,
        64,
        lambda x, y: (255, 255, 0) if 22 <= y <= 42 and abs(x - 32) <= (y - 22) // 2 else (0, 0, 90),
    )
    (OUT / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")


def pdf(name: str, pages: tuple[str, ...]) -> None:
    """A PDF with a line of text on each page."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    kids = []
    for text in pages:
        content = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET"
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects)} 0 R /Resources << /Font "
            "<< /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(pages)} >>"
    made, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += f"{number} 0 obj\n{one}\nendobj\n".encode()
    start = len(made)
    made += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    made += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    made += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    (OUT / name).write_bytes(made)


def sounds() -> None:
    """Silence as MP3, with and without words about it, and a tone as WAV."""
    import math
    import wave

    from mutagen.easyid3 import EasyID3
    from mutagen.id3 import ID3

    silence = (b"\xff\xfb\x90\x00" + b"\0" * 413) * 12
    for name, title in (("song.mp3", "A Song"), ("untitled.mp3", "")):
        path = OUT / name
        path.write_bytes(silence)
        ID3().save(path)
        if title:
            tags = EasyID3(path)
            tags["title"], tags["artist"] = title, "Ada"
            tags.save()
    for name, hertz in (("tone.wav", 440), ("tone_same.wav", 440), ("tone_other.wav", 1500)):
        with wave.open(str(OUT / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(
                b"".join(struct.pack("<h", int(9000 * math.sin(2 * math.pi * hertz * n / 8000))) for n in range(8000))
            )


def main() -> None:
    """Make them all."""
    global OUT
    OUT = Path(sys.argv[1])
    pictures()
    books()
    documents()
    presentations()
    sounds()
    for name, pages in (
        ("a.pdf", ("Total 42 euro", "Thank you")),
        ("a_same.pdf", ("Total 42 euro", "Thank you")),
        ("a_other.pdf", ("Total 43 euro", "Thanks")),
        ("one.pdf", ("Alone",)),
    ):
        pdf(name, pages)
    (OUT / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")


if __name__ == "__main__":
    main()
