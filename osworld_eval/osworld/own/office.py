"""Small documents of the three office formats, byte for byte the same each time they are written.

Only what the suite's tasks need: cells of text, numbers and formulas; paragraphs, some of them headings; slides with a
title and lines below it. Office programs and the libraries that score read them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

__all__ = ["Cell", "document", "packed", "slides", "workbook"]

Cell = str | int | float | None
"""Text that begins with `=` is a formula."""
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OPC = "http://schemas.openxmlformats.org/package/2006"
_DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_DRAW = "http://schemas.openxmlformats.org/drawingml/2006/main"
_SHOW = "http://schemas.openxmlformats.org/presentationml/2006/main"
_KIND = "application/vnd.openxmlformats-officedocument"
_BEGAN = (2026, 1, 1, 0, 0, 0)


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """A zip file without times of its own."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(name, _BEGAN), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def workbook(sheets: Mapping[str, Sequence[Sequence[Cell]]], frozen: str = "") -> bytes:
    """An .xlsx.

    Args:
        sheets: rows of cells by the sheet's name.
        frozen: the first cell that scrolls, on every sheet; empty where all do.
    """
    names = list(sheets)
    kinds = {"xl/workbook.xml": f"{_KIND}.spreadsheetml.sheet.main+xml"}
    kinds |= {f"xl/worksheets/sheet{n}.xml": f"{_KIND}.spreadsheetml.worksheet+xml" for n in range(1, len(names) + 1)}
    listed = "".join(f'<sheet name="{_in(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, 1))
    book = f'{_HEAD}<workbook xmlns="{_SHEET}" xmlns:r="{_DOC}"><sheets>{listed}</sheets></workbook>'
    links = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(names) + 1)]
    return packed(
        {
            "[Content_Types].xml": _types(kinds),
            "_rels/.rels": _links([("rId1", "officeDocument", "xl/workbook.xml")]),
            "xl/workbook.xml": book,
            "xl/_rels/workbook.xml.rels": _links(links),
            **{f"xl/worksheets/sheet{n}.xml": _sheet(sheets[name], frozen) for n, name in enumerate(names, 1)},
        }
    )


def _sheet(rows: Sequence[Sequence[Cell]], frozen: str) -> str:
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(_cell(f"{_column(place)}{number}", value) for place, value in enumerate(row))
        lines.append(f'<row r="{number}">{cells}</row>')
    view = ""
    if frozen:
        across, down = ord(frozen[0]) - ord("A"), int(frozen[1:]) - 1
        parts = f'xSplit="{across}" ' * bool(across) + f'ySplit="{down}" ' * bool(down)
        pane = "bottomRight" if across and down else "topRight" if across else "bottomLeft"
        pane = f'<pane {parts}topLeftCell="{frozen}" activePane="{pane}" state="frozen"/>'
        view = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    return f'{_HEAD}<worksheet xmlns="{_SHEET}">{view}<sheetData>{"".join(lines)}</sheetData></worksheet>'


def _column(place: int) -> str:
    return chr(ord("A") + place)


def _cell(at: str, value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if value.startswith("="):
            return f'<c r="{at}"><f>{escape(value[1:])}</f></c>'
        return f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{at}"><v>{value!r}</v></c>'


def document(paragraphs: Sequence[str]) -> bytes:
    """A .docx. A paragraph that begins with `# ` is a heading of the first level."""
    said = "".join(map(_paragraph, paragraphs))
    body = f'{_HEAD}<w:document xmlns:w="{_WORD}"><w:body>{said}<w:sectPr/></w:body></w:document>'
    style = (
        '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/>'
        '<w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:rPr><w:b/></w:rPr></w:style>'
    )
    kinds = {
        "word/document.xml": f"{_KIND}.wordprocessingml.document.main+xml",
        "word/styles.xml": f"{_KIND}.wordprocessingml.styles+xml",
    }
    return packed(
        {
            "[Content_Types].xml": _types(kinds),
            "_rels/.rels": _links([("rId1", "officeDocument", "word/document.xml")]),
            "word/document.xml": body,
            "word/_rels/document.xml.rels": _links([("rId1", "styles", "styles.xml")]),
            "word/styles.xml": f'{_HEAD}<w:styles xmlns:w="{_WORD}">{style}</w:styles>',
        }
    )


def _paragraph(text: str) -> str:
    heading = text.startswith("# ")
    style = '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>' if heading else ""
    said = escape(text[2:] if heading else text)
    return f'<w:p>{style}<w:r><w:t xml:space="preserve">{said}</w:t></w:r></w:p>'


def slides(pages: Sequence[tuple[str, Sequence[str]]]) -> bytes:
    """A .pptx: each slide a title, and lines below it."""
    numbers = range(1, len(pages) + 1)
    part = f"{_KIND}.presentationml"
    kinds = {
        "ppt/presentation.xml": f"{part}.presentation.main+xml",
        "ppt/slideMasters/slideMaster1.xml": f"{part}.slideMaster+xml",
        "ppt/slideLayouts/slideLayout1.xml": f"{part}.slideLayout+xml",
        "ppt/theme/theme1.xml": f"{_KIND}.theme+xml",
        **{f"ppt/slides/slide{n}.xml": f"{part}.slide+xml" for n in numbers},
    }
    links = [("rId0", "slideMaster", "slideMasters/slideMaster1.xml"), ("rIdT", "theme", "theme/theme1.xml")]
    links += [(f"rId{n}", "slide", f"slides/slide{n}.xml") for n in numbers]
    listed = "".join(f'<p:sldId id="{255 + n}" r:id="rId{n}"/>' for n in numbers)
    whole = (
        f'{_HEAD}<p:presentation xmlns:p="{_SHOW}" xmlns:r="{_DOC}" xmlns:a="{_DRAW}"><p:sldMasterIdLst>'
        f'<p:sldMasterId id="2147483648" r:id="rId0"/></p:sldMasterIdLst><p:sldIdLst>{listed}</p:sldIdLst>'
        '<p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>'
    )
    layout = [("rId1", "slideLayout", "../slideLayouts/slideLayout1.xml")]
    return packed(
        {
            "[Content_Types].xml": _types(kinds),
            "_rels/.rels": _links([("rId1", "officeDocument", "ppt/presentation.xml")]),
            "ppt/presentation.xml": whole,
            "ppt/_rels/presentation.xml.rels": _links(links),
            "ppt/slideMasters/slideMaster1.xml": _master(),
            "ppt/slideMasters/_rels/slideMaster1.xml.rels": _links([*layout, ("rId2", "theme", "../theme/theme1.xml")]),
            "ppt/slideLayouts/slideLayout1.xml": _layout(),
            "ppt/slideLayouts/_rels/slideLayout1.xml.rels": _links(
                [("rId1", "slideMaster", "../slideMasters/slideMaster1.xml")]
            ),
            "ppt/theme/theme1.xml": _theme(),
            **{f"ppt/slides/slide{n}.xml": _slide(*page) for n, page in enumerate(pages, 1)},
            **{f"ppt/slides/_rels/slide{n}.xml.rels": _links(layout) for n in numbers},
        }
    )


_GROUP = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
_BOXES = {"title": (457200, 274638, 8229600, 1143000), "body": (457200, 1600200, 8229600, 4525963)}
"""English Metric Units: left, top, width, height."""


def _shape(number: int, kind: str, lines: Sequence[str], placed: bool) -> str:
    left, top, width, height = _BOXES[kind]
    box = f'<a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'
    box += '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
    told = "".join(f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in lines) or "<a:p/>"
    place = ' idx="1"' if kind == "body" else ""
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="{kind.title()} {number}"/><p:cNvSpPr/><p:nvPr>'
        f'<p:ph type="{kind}"{place}/></p:nvPr></p:nvSpPr><p:spPr>{box if placed else ""}</p:spPr>'
        f"<p:txBody><a:bodyPr/><a:lstStyle/>{told}</p:txBody></p:sp>"
    )


def _tree(kind: str, shapes: str, more: str) -> str:
    spaces = f'xmlns:p="{_SHOW}" xmlns:r="{_DOC}" xmlns:a="{_DRAW}"'
    return f"{_HEAD}<p:{kind} {spaces}><p:cSld><p:spTree>{_GROUP}{shapes}</p:spTree></p:cSld>{more}</p:{kind}>"


def _slide(title: str, lines: Sequence[str]) -> str:
    shapes = _shape(2, "title", [title], True) + _shape(3, "body", lines, True)
    return _tree("sld", shapes, "<p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr>")


def _layout() -> str:
    shapes = _shape(2, "title", [], False) + _shape(3, "body", [], False)
    return _tree("sldLayout", shapes, "<p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr>")


def _master() -> str:
    shapes = _shape(2, "title", [], True) + _shape(3, "body", [], True)
    names = ("accent1", "accent2", "accent3", "accent4", "accent5", "accent6", "hlink", "folHlink")
    same = " ".join(f'{name}="{name}"' for name in names)
    more = (
        f'<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" {same}/>'
        '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst>'
    )
    return _tree("sldMaster", shapes, more)


def _theme() -> str:
    named = {
        "dk1": "000000",
        "lt1": "FFFFFF",
        "dk2": "1F497D",
        "lt2": "EEECE1",
        "hlink": "0000FF",
        "folHlink": "800080",
    }
    named |= {
        f"accent{n}": value for n, value in enumerate(("4F81BD", "C0504D", "9BBB59", "8064A2", "4BACC6", "F79646"), 1)
    }
    order = ("dk1", "lt1", "dk2", "lt2", *(f"accent{n}" for n in range(1, 7)), "hlink", "folHlink")
    colours = "".join(f'<a:{name}><a:srgbClr val="{named[name]}"/></a:{name}>' for name in order)
    font = '<a:latin typeface="Liberation Sans"/><a:ea typeface=""/><a:cs typeface=""/>'
    fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
    return (
        f'{_HEAD}<a:theme xmlns:a="{_DRAW}" name="Plain"><a:themeElements><a:clrScheme name="Plain">{colours}'
        f'</a:clrScheme><a:fontScheme name="Plain"><a:majorFont>{font}</a:majorFont><a:minorFont>{font}</a:minorFont>'
        f'</a:fontScheme><a:fmtScheme name="Plain"><a:fillStyleLst>{fill * 3}</a:fillStyleLst>'
        f"<a:lnStyleLst>{f'<a:ln>{fill}</a:ln>' * 3}</a:lnStyleLst>"
        f"<a:effectStyleLst>{'<a:effectStyle><a:effectLst/></a:effectStyle>' * 3}</a:effectStyleLst>"
        f"<a:bgFillStyleLst>{fill * 3}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>"
    )


def _types(kinds: Mapping[str, str]) -> str:
    named = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in kinds.items())
    plain = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    return f'{_HEAD}<Types xmlns="{_OPC}/content-types">{plain}{named}</Types>'


def _links(links: Sequence[tuple[str, str, str]]) -> str:
    told = "".join(f'<Relationship Id="{id}" Type="{_DOC}/{kind}" Target="{at}"/>' for id, kind, at in links)
    return f'{_HEAD}<Relationships xmlns="{_OPC}/relationships">{told}</Relationships>'


def _in(text: str) -> str:
    return escape(text, {'"': "&quot;"})
