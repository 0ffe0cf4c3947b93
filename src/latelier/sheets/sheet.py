"""Composes one sheet: a title, grids of magnified images with their captions, and a line that says what is seen.

Everything is measured before it is drawn: a caption that is too wide is wrapped, so nothing is ever cut off.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from latelier.data.sources.own import SOFTWARE
from latelier.errors import Refusal
from latelier.storage import files
from latelier.terminal.say import escaped

NARROWEST, WIDEST = 700, 1400  # px of a sheet
CELL, LARGEST = 96, 128  # px: small images are magnified up to CELL, big ones reduced down to LARGEST
MARGIN, GAP, CAPTION = 24, 8, 190  # px: around the sheet, between cells, the widest row caption
PAPER, INK, MUTED, FRAME, MARK = (255, 255, 255), (45, 45, 45), (105, 105, 105), (205, 205, 205), (215, 95, 0)


class Cell(NamedTuple):
    """One image with a note under it."""

    image: np.ndarray  # uint8 [h, w, c], c is 1 or 3
    note: str = ""
    marked: bool = False  # an orange frame


class Grid(NamedTuple):
    """Rows of cells with captions; ``None`` leaves a place empty."""

    cells: Sequence[Sequence[Cell | None]]
    rows: Sequence[str] = ()  # captions left of the rows
    columns: Sequence[str] = ()  # captions above the columns
    heading: str = ""
    pitch: int = 0  # px that a column takes at least: grids below each other can share their columns


class Panel(NamedTuple):
    """An image of any size that is shown as it is, such as a mosaic or a plot."""

    image: np.ndarray  # uint8 [h, w, c], c is 1 or 3
    heading: str = ""


def compose(title: str, bands: Sequence[Sequence[Grid | Panel]], footer: str) -> np.ndarray:
    """uint8 [H, W, 3]: the bands below each other, the grids and panels of one band side by side. ``footer`` says in a
    sentence what the reader sees."""
    captions = [text for band in bands for part in band if isinstance(part, Grid) for text in part.rows]
    left = max(_Text(text, 13, CAPTION).width + 2 * GAP for text in [*captions, ""])
    drawn = [[_draw_panel(p) if isinstance(p, Panel) else _draw_grid(p, left) for p in band] for band in bands]
    widths = [sum(part.width for part in band) + 3 * GAP * (len(band) - 1) for band in drawn]
    inner = max(NARROWEST - 2 * MARGIN, *widths)
    head, foot = _Text(title, 18, inner), _Text(footer, 13, inner)
    heights = [max(part.height for part in band) + 2 * GAP for band in drawn]
    page = Image.new(
        "RGB", (inner + 2 * MARGIN, 2 * MARGIN + head.height + 2 * GAP + sum(heights) + foot.height), PAPER
    )
    pen = ImageDraw.Draw(page)
    head.draw(pen, MARGIN, MARGIN, INK)
    y = MARGIN + head.height + 2 * GAP
    for band, height in zip(drawn, heights, strict=True):
        x = MARGIN
        for part in band:
            page.paste(part, (x, y))
            x += part.width + 3 * GAP
        y += height
    foot.draw(pen, MARGIN, y, MUTED)
    return np.asarray(page)


def fitting(width: int, height: int, grids: int = 1) -> int:
    """How many images of this size stand side by side on the widest sheet: in one grid with captions, or in each of
    several grids without."""
    room = WIDEST - 2 * MARGIN
    if grids == 1:
        return (room - CAPTION - 2 * GAP) // (max(CELL, shown(width, height)[0]) + GAP)
    return (room - 3 * GAP * (grids - 1)) // grids // (shown(width, height)[0] + GAP)


def shown(width: int, height: int) -> tuple[int, int]:
    """(width, height) in px of an image on the sheet: a whole multiple, or a whole fraction, of its own."""
    side = max(width, height)
    if side <= LARGEST:
        times = max(1, CELL // side)
        return width * times, height * times
    part = ceil(side / LARGEST)
    return ceil(width / part), ceil(height / part)


def signed(value: float, form: str = "g") -> str:
    """A number as captions say it, with a minus sign in place of a hyphen, and none before a zero."""
    shown = format(value, form)
    return (shown if float(shown) else format(0.0, form)).replace("-", "\N{MINUS SIGN}")


def png(pixels: np.ndarray, level: int = 9, texts: Mapping[str, str] | None = None) -> bytes:
    """A PNG file of uint8 [h, w, c], c is 1 or 3; a lower ``level`` of compression is written sooner. ``texts``: its
    text."""
    data, text = BytesIO(), PngInfo()
    for key, value in (texts or {}).items():
        text.add_text(key, value)
    flat = pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels
    Image.fromarray(flat).save(data, "PNG", compress_level=level, pnginfo=text)
    return data.getvalue()


def save(pixels: np.ndarray, path: Path) -> None:
    """Writes a PNG file in one step, marked as latelier's own, which no source takes for an image of anybody's. Raises
    Refusal for a suffix other than .png, and where nothing can be written."""
    if path.suffix.lower() != ".png":
        raise Refusal(f'an image is written as PNG, and "{path}" does not end in .png: give a name that does')
    files.write(path, png(pixels, texts=SOFTWARE))


class _Text:
    """A text wrapped to a width: measured first, drawn later."""

    def __init__(self, text: str, size: int, width: float) -> None:
        self.font = font(size)
        self.lines = wrap(text, self.font, width - 1) if text else []  # a last letter's ink may reach past its advance
        self.step = ceil(size * 1.3)
        self.width = ceil(max((self.font.getlength(line) for line in self.lines), default=0))
        self.height = self.step * len(self.lines)

    def draw(
        self, pen: ImageDraw.ImageDraw, x: float, y: float, colour: tuple[int, int, int], middle: bool = False
    ) -> None:
        """From (x, y) to the right and down, or with every line centred on x."""
        for line in self.lines:
            pen.text((x - self.font.getlength(line) / 2 if middle else x, y), line, colour, self.font)
            y += self.step


def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib carries: Pillow's own font lacks Greek, Cyrillic and the minus sign."""
    from matplotlib import get_data_path

    return ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Lines of at most ``width`` px, broken between words, and inside a word only where it is wider than a line."""
    lines = []
    for paragraph in escaped(text).split("\n"):
        line = ""
        for word in paragraph.split():
            if line and font.getlength(f"{line} {word}") > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
            while font.getlength(line) > width and len(line) > 1:
                fits = max(1, bisect_right(range(1, len(line)), width, key=lambda end: font.getlength(line[:end])))
                lines.append(line[:fits])
                line = line[fits:]
        lines.append(line)
    return lines


def _draw_panel(panel: Panel) -> Image.Image:
    image = Image.fromarray(_in_colour(panel.image))
    heading = _Text(panel.heading, 14, image.width)
    top = heading.height + (GAP if panel.heading else 0)
    sheet = Image.new("RGB", (max(image.width, heading.width), top + image.height), PAPER)
    heading.draw(ImageDraw.Draw(sheet), 0, 0, INK)
    sheet.paste(image, (0, top))
    return sheet


def _draw_grid(grid: Grid, left: int) -> Image.Image:
    """The grid with ``left`` px for the captions of its rows, if it has any, so that grids below each other share their
    columns."""
    left = left if grid.rows else 0
    cells = [cell for row in grid.cells for cell in row if cell is not None]
    sizes = [shown(cell.image.shape[1], cell.image.shape[0]) for cell in cells]
    width, height = max(w for w, _ in sizes), max(h for _, h in sizes)
    words = [word for text in [*grid.columns, *(cell.note for cell in cells)] for word in text.split()]
    pitch = max(width, grid.pitch, min(CELL, ceil(max((font(12).getlength(word) for word in words), default=0))))

    heading = _Text(grid.heading, 14, max(len(row) for row in grid.cells) * (pitch + GAP))
    captions = [_Text(text, 13, CAPTION) for text in grid.rows] or [_Text("", 13, CAPTION)] * len(grid.cells)
    columns = [_Text(text, 12, pitch) for text in grid.columns]
    notes = [[_Text(cell.note if cell else "", 12, pitch) for cell in row] for row in grid.cells]
    top = heading.height + max((text.height for text in columns), default=0) + GAP
    heights = [
        max(caption.height, height + max(note.height for note in under)) + GAP
        for caption, under in zip(captions, notes, strict=True)
    ]

    across = max(len(row) for row in grid.cells)
    sheet = Image.new("RGB", (left + across * (pitch + GAP), top + sum(heights)), PAPER)
    pen = ImageDraw.Draw(sheet)
    heading.draw(pen, left, 0, INK)
    for number, text in enumerate(columns):
        text.draw(pen, left + number * (pitch + GAP) + (pitch + GAP) / 2, heading.height, MUTED, middle=True)
    y = top
    for row, caption, under, step in zip(grid.cells, captions, notes, heights, strict=True):
        caption.draw(pen, 0, y + max(0, (height - caption.height) // 2), INK)
        for number, (cell, note) in enumerate(zip(row, under, strict=True)):
            x = left + number * (pitch + GAP) + GAP // 2
            if cell is not None:
                _paste(sheet, pen, cell, x + pitch // 2, y)
                note.draw(pen, x + pitch / 2, y + height + 3, MUTED, middle=True)
        y += step
    return sheet


def _paste(sheet: Image.Image, pen: ImageDraw.ImageDraw, cell: Cell, middle: int, y: int) -> None:
    """The cell's image around x = ``middle``, magnified without smoothing or reduced by averaging, in a thin
    frame."""
    image = resized(cell.image, shown(cell.image.shape[1], cell.image.shape[0]))
    x = middle - image.width // 2
    edge = 3 if cell.marked else 1
    colour = MARK if cell.marked else FRAME
    pen.rectangle((x - edge, y - edge, x + image.width + edge - 1, y + image.height + edge - 1), colour)
    sheet.paste(image, (x, y))


def resized(image: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """The image uint8 [h, w, c] in colour at that (width, height): magnified without smoothing or reduced by
    averaging."""
    drawn = Image.fromarray(_in_colour(image))
    return drawn.resize(size, Image.Resampling.NEAREST if size[0] >= drawn.width else Image.Resampling.BOX)


def _in_colour(image: np.ndarray) -> np.ndarray:
    return np.broadcast_to(image, (*image.shape[:2], 3)).copy()
