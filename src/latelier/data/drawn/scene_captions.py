"""English captions of drawn scenes, from a small grammar with spatial relations."""

from collections.abc import Sequence

INVERSE = {"above": "below", "below": "above", "left of": "right of", "right of": "left of"}
Relation = tuple[int, str, int]  # (a, word, b): shape a is above, or left of, shape b


def noun(size: str, colour: str, texture: str, kind: str) -> str:
    """As in "a small red striped circle"; a plain texture goes without saying."""
    return " ".join(["a", size, colour, *([] if texture == "plain" else [texture]), kind])


def describe(shapes: Sequence[str], relations: Sequence[Relation], ground: str) -> list[str]:
    """Captions of one to three shapes that stand in all of these relations: first the canonical one, which follows from
    the image word for word, then the same said in another order, the last naming the ground too. Of three shapes the
    first relation is that of a pair, whose two stand on the same side of the third."""
    if not relations:
        (shape,) = shapes
        ways = [shape, f"{shape} alone", f"there is {shape}"]
    elif len(relations) == 1:
        ((a, word, b),) = relations
        ways = _pair(shapes[a], word, shapes[b])
        ways += [f"{shapes[b]} and {word} it {shapes[a]}", f"{shapes[a]} and {INVERSE[word]} it {shapes[b]}"]
    else:
        (a, word, b), (_, side, other), _ = relations
        third = 3 - a - b
        side = side if other == third else INVERSE[side]
        pairs = _pair(shapes[a], word, shapes[b])
        ways = [f"{pair}, both {side} {shapes[third]}" for pair in pairs]
        ways += [f"{shapes[third]} and {side} it {pair}" for pair in pairs]
    return [*ways, f"on a {ground} ground there is {ways[0]}"]


def _pair(a: str, word: str, b: str) -> list[str]:
    return [f"{a} {word} {b}", f"{b} {INVERSE[word]} {a}"]
