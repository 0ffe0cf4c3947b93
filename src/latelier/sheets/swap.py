"""What a part's appearance holds: one image's part as it looks in another (Gupta et al. 2020, figure 5)."""

import numpy as np
import torch
from torch import Tensor

from latelier.core import Code, Decodes, Encodes, HasParts, need
from latelier.errors import Refusal
from latelier.sheets.filters import as_images
from latelier.sheets.parts import CERTAIN, dimmed, most_used, parts_of, peaks
from latelier.sheets.sheet import Cell, Grid, compose
from latelier.sheets.view import View, pixels

needs = (HasParts, Encodes, Decodes)
IMAGES = 1000  # that parts and images are chosen from
PARTS, SOURCES = 3, 3  # at most
COLUMNS = ("source", "target", "target, reconstructed", "after the swap", "difference")
OTHER = "another part of the source"  # a column more, where there are two parts


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: for each of some parts one target, and a row a source. Raises Refusal where no part occurs in
    two of the images."""
    occurrence = parts_of(view).occurrence
    peak = peaks(occurrence)
    shared = [part for part in most_used(occurrence) if (peak[:, part] > CERTAIN).sum() > 1][:PARTS]
    if not shared:
        raise Refusal(
            f"swap needs a part that occurs in two images, and in these {len(view.image)} no part exceeds "
            f"{CERTAIN:g} in more than one: train longer, or with a lower weight on occurrences"
        )
    bands = []
    for part in shared:
        probable = peak[:, part].argsort(descending=True, stable=True)[: SOURCES + 1].tolist()
        rows = [row for row in probable if peak[row, part] > CERTAIN]
        bands.append([_swaps(view, occurrence, part, rows)])
    footer = (
        "The target keeps where each of its parts occurs; the appearance of one part is replaced by that of the same "
        "part in the source, and in the last column by that of another, the most probable one of the source that is "
        "not this one. Source and target are dark where the part does not occur. Difference: after the swap less "
        "before, mid grey for none, each scaled by itself (beneath, the greatest change of a pixel, where black to "
        f"white is 1). Parts are those of the highest peak over {len(view.image)} images that occur (peak above "
        f"{CERTAIN:g}) in at least two; of each, the target is the image in which it is most probable and the "
        "sources are the next ones."
    )
    return compose(f"{view.title}: swap", bands, footer)


def _swaps(view: View, occurrence: Tensor, part: int, rows: list[int]) -> Grid:
    """A row a source; ``rows`` are the target's number and the sources', ``occurrence`` [n, N, h, w] all parts'."""
    encoder, decoder, probability = need(view.model, Encodes), need(view.model, Decodes), occurrence[:, part]
    code = encoder.encode(view.image[rows]).mode()
    target, sources = ({name: value[some] for name, value in code.items()} for some in (slice(1), slice(1, None)))
    targets = {name: value.expand(len(rows) - 1, *value.shape[1:]) for name, value in target.items()}
    repainted = need(view.model, HasParts).repainted(targets, sources, part, part)
    before, after = decoder.decode(targets), decoder.decode(repainted)
    shown, greatest = pixels(dimmed(view.image[rows], probability[rows])), (after - before).abs().flatten(1).amax(1)
    drawn = pixels(before), pixels(after), as_images(after - before), greatest.tolist()
    cells = [
        [
            Cell(source, view.caption(row)),
            Cell(shown[0], view.caption(rows[0])),
            Cell(was),
            Cell(now),
            Cell(difference, f"at most {change:.2f}"),
        ]
        for source, row, was, now, difference, change in zip(shown[1:], rows[1:], *drawn, strict=True)
    ]
    if occurrence.shape[1] == 1:
        return Grid(cells, columns=COLUMNS, heading=f"part {part}")
    others = peaks(occurrence[rows[1:]]).index_fill(1, torch.tensor([part], device=occurrence.device), -1).argmax(1)
    for line, code, other in zip(cells, _one_by_one(sources), others.tolist(), strict=True):
        repainted = need(view.model, HasParts).repainted(target, code, part, other)
        line.append(Cell(pixels(decoder.decode(repainted))[0], f"part {other}"))
    return Grid(cells, columns=(*COLUMNS, OTHER), heading=f"part {part}")


def _one_by_one(code: Code) -> list[Code]:
    """The codes of a batch, each as a batch of one."""
    count = len(next(iter(code.values())))
    return [{name: value[row : row + 1] for name, value in code.items()} for row in range(count)]
