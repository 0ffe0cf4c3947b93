"""What is said of images once they are read."""

from collections.abc import Sequence

from latelier.data.images import Images
from latelier.terminal.say import say

NAMED = 5  # skipped files that are named


def say_notices(images: Images, more: str = "", head: Sequence[str] = ()) -> None:
    """Says on stderr what was done to the images on the way, and which could not be read. ``more``: where all of
    those are named. ``head``: what is said of their source before."""
    lines = [*head, *images.remarks]
    if images.skipped:
        count, named = len(images.skipped), ", ".join(images.skipped[:NAMED])
        rest = f", ...{f' ({more})' if more else ''}" if count > NAMED else ""
        subject, verb = ("1 file", "was") if count == 1 else (f"{count:,} files", "were")
        lines.append(f"{subject} could not be decoded and {verb} skipped: {named}{rest}")
    for line in lines:
        say(line.replace("\n", " "), error=True)  # in the name of a file it would begin a line of its own
