"""Text and images as HTML."""

from base64 import b64encode
from html import escape

from latelier.terminal.say import escaped


class Html(str):
    """What is HTML already."""


def text(value: str) -> str:
    """Escaped for text and attributes; what UTF-8 cannot say (in names of files) is written out."""
    return value if isinstance(value, Html) else escape(escaped(value))


def image(png: bytes, alt: str) -> str:
    """A PNG file, inside the page."""
    width, height = size(png)
    data = b64encode(png).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{text(alt)}" width="{width}" height="{height}">'


def size(png: bytes) -> tuple[int, int]:
    """Width and height in px, of the PNG header."""
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
