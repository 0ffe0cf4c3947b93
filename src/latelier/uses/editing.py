"""Images changed by moving their codes towards attributes, and what became of each."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from latelier.codes.rows import device_of
from latelier.core import Code, Decodes, Directions, Encodes, Model, need
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.objectives.directions import log_odds, moved, place, step_towards
from latelier.scores.identity import Eye, apart, usual
from latelier.uses.judging import Tally, Witness

STRIDE = 0.5  # between the stops at which an image is looked at
SURE = 0.95  # probability of every wish, read off the image drawn, that counts as classified


@dataclass(frozen=True)
class Edited:
    """A block of images, edited."""

    image: Tensor  # [b, c, h, w] drawn of the moved codes
    again: Tensor  # [b, c, h, w] drawn of the codes as they were
    by: Tensor  # [b] steps taken
    before: Tensor  # [b, w] log-odds of the wished attributes in the image's code
    after: Tensor  # [b, w] in the moved code
    seen: Tensor  # [b, w] in the code of the image drawn, encoded again
    sure: Tensor  # [b] whether those have every wish with probability ``SURE``


@dataclass(frozen=True)
class Editor:
    """A model, directions in its code and what is wished for (1) or away (0)."""

    model: Model
    directions: Directions
    wishes: Mapping[str, int]

    @torch.no_grad()
    def by(self, image: Tensor, distance: float) -> Edited:
        """All images [b, c, h, w] moved as far."""
        with evaluating(self.model):
            code = need(self.model, Encodes).encode(image).mode()
            return self._edited(code, image.new_full((len(image),), distance))

    @torch.no_grad()
    def until_classified(self, image: Tensor, most: float) -> Edited:
        """Each image moved until the classifier, reading the image drawn, is sure of every wish; ``most`` steps at
        most (section 4.2)."""
        with evaluating(self.model):
            code = need(self.model, Encodes).encode(image).mode()
            by, going = image.new_zeros(len(image)), torch.arange(len(image), device=image.device)
            for stop in range(int(most / STRIDE) + 1):
                by[going] = stop * STRIDE
                part = {name: value[going] for name, value in code.items()}
                going = going[~self._edited(part, by[going]).sure]
                if not len(going):
                    break
            return self._edited(code, by)

    def _edited(self, code: Code, by: Tensor) -> Edited:
        decoder, encoder = need(self.model, Decodes), need(self.model, Encodes)
        after = moved(code, step_towards(self.directions, self.wishes), by)
        image = decoder.decode(after)
        columns = [place(self.directions, name) for name in self.wishes]
        codes = code, after, encoder.encode(image).mode()
        before, now, seen = (log_odds(self.directions, one)[:, columns] for one in codes)
        sign = torch.tensor([2 * wish - 1 for wish in self.wishes.values()], device=by.device)
        sure = (sign * seen >= math.log(SURE / (1 - SURE))).all(1)
        return Edited(image, decoder.decode(code), by, before, now, seen, sure)


def edited_blocks(
    images: Images, real: Images, editor: Editor, way: Callable[[Tensor], Edited], judge: Witness | None, tally: Tally
) -> Iterator[tuple[Tensor, list[list[str]]]]:
    """Blocks of images [b, c, h, w], edited by a ``way`` of the editor, with what became of each in words: for every
    attribute of the judge its probabilities before and after, the identity (between ``real`` images it is 1 in the
    mean), steps, and for every wish the log-odds in the code, the moved code and the code of what was drawn. The tally
    counts what the judge sees."""
    device = device_of(editor.model)
    eye = Eye(device)
    between = usual(eye, real, device)
    for block in images.blocks():
        done = way(block.to(device))
        identity, judged = apart(eye(done.image), eye(done.again)) / between, list[Tensor]()
        if judge:
            before, after = judge(done.again), judge(done.image)
            tally.add(judge(block.to(device)), before, after, identity)
            judged = [column for pair in zip(before.T, after.T, strict=True) for column in pair]
        odds = zip(done.before.T, done.after.T, done.seen.T, strict=True)
        columns = [*judged, identity, done.by, *(column for three in odds for column in three)]
        rows = zip(*(column.tolist() for column in columns), strict=True)
        yield done.image, [[f"{value:.3f}" for value in row] for row in rows]


def wishes_of(words: list[str] | tuple[str, ...]) -> dict[str, int]:
    """Words NAME, NAME=1 (to have) or NAME=0 (not to have) -> name: 1 or 0. Raises Refusal for what contradicts
    itself and for nothing."""
    found: dict[str, int] = {}
    for word in words:
        name, _, value = word.rpartition("=") if word.endswith(("=0", "=1")) else (word, "", "1")
        if found.setdefault(name, int(value)) != int(value):
            raise Refusal(f"{name} is asked for both ways; give it once")
    if not found:
        raise Refusal("no attribute was named; give NAME, or NAME=0 for without")
    return found
