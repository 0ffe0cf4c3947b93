"""Drawn scenes: what is said of an image must be what is seen in it."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage, stats
from sklearn.linear_model import RidgeClassifier

from latelier.data.drawn.scene_factors import draw_factors
from latelier.data.drawn.scene_pixels import PAINTS, render, split
from latelier.data.drawn.scenes import (
    ATTRIBUTES,
    COLOURS,
    FACTORS,
    GROUNDS,
    KINDS,
    TEXTURES,
    draw_block,
    draw_scenes,
)
from latelier.data.images import Images
from latelier.errors import Refusal

NOUN = re.compile(rf"a (small|large) ({'|'.join(COLOURS)})( striped| dotted)? ({'|'.join(KINDS)})")
OPPOSITE = {"above": "below", "below": "above", "left of": "right of", "right of": "left of"}
Noun = tuple[str, str, str, str]  # size, colour, texture, kind


@pytest.fixture(scope="module", params=[32, 64])
def scenes(request: pytest.FixtureRequest) -> Images:
    return draw_scenes(200, size=request.param, seed=7)


def same(a: Images, b: Images) -> bool:
    arrays = [(a.pixels, b.pixels), (a.label, b.label), (a.attribute, b.attribute)]
    arrays += [(a.truth[name], b.truth[name]) for name in a.truth]
    return all(np.array_equal(x, y) for x, y in arrays) and a.captions == b.captions and a.names == b.names


def test_any_block_equals_those_rows_of_the_whole() -> None:
    whole = draw_scenes(600, seed=3)
    for start, stop in [(0, 100), (37, 300), (255, 257), (599, 600)]:
        assert same(draw_block(start, stop, seed=3), whole.take(np.arange(start, stop)))


def test_images_follow_from_the_seed() -> None:
    assert same(draw_scenes(50, seed=1), draw_scenes(50, seed=1))
    a, b = draw_scenes(50, seed=1), draw_scenes(50, seed=2)
    assert (a.pixels != b.pixels).any((1, 2, 3)).all()
    assert len({a.fingerprint, b.fingerprint, draw_scenes(51, seed=1).fingerprint, draw_scenes(50).fingerprint}) == 4
    assert len(np.unique(a.pixels.reshape(50, -1), axis=0)) == 50


def test_size_changes_the_resolution_alone() -> None:
    small, large = draw_scenes(50, size=32), draw_scenes(50, size=64)
    assert np.array_equal(small.truth["factors"], large.truth["factors"])
    assert small.captions == large.captions
    halved = large.pixels.reshape(50, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(halved - small.pixels).mean() < 4  # of 255: edges differ by how they are smoothed


def test_form(scenes: Images) -> None:
    n, size = len(scenes), scenes.pixels.shape[1]
    assert scenes.pixels.dtype == np.uint8
    assert scenes.pixels.shape == (n, size, size, 3)
    assert scenes.label.dtype == np.int64
    assert scenes.attribute.dtype == np.int8
    assert scenes.attribute.shape == (n, len(ATTRIBUTES))
    assert scenes.truth["factors"].shape == (n, len(FACTORS))
    assert scenes.names[123] == "scene-000123"
    assert [name.split()[0] for name in scenes.classes] == list(KINDS)


def test_every_shape_is_whole_and_apart(scenes: Images) -> None:
    instances, parts = scenes.truth["instances"], scenes.truth["parts"]
    image, shapes = split(scenes.truth["factors"])
    border = np.ones(instances.shape[1:], bool)
    border[1:-1, 1:-1] = False
    assert not instances[:, border].any()
    around = ndimage.maximum_filter(instances, (0, 3, 3))
    assert not ((instances > 0) & (around > instances)).any()  # ground between any two shapes
    assert ((instances > 0) == (parts > 0)).all()
    for i in range(len(scenes)):
        shown = np.unique(instances[i][instances[i] > 0])
        assert list(shown) == list(range(1, int(image["count"][i]) + 1))
        for slot in shown:
            mask = instances[i] == slot
            assert np.unique(parts[i][mask]) == 1 + shapes["kind"][i, slot - 1]
            radius = shapes["radius"][i, slot - 1] * mask.shape[0]
            assert 0.8 * radius**2 < mask.sum() < np.pi * radius**2


def spots(scenes: Images, i: int) -> list[np.ndarray]:
    """(x, y) of the middle of each shape's bounding box, in pixels, from its mask."""
    masks = scenes.truth["instances"][i]
    where = [np.argwhere(masks == slot)[:, ::-1] for slot in range(1, masks.max() + 1)]
    return [(xy.min(0) + xy.max(0)) / 2 for xy in where]


def relation(a: np.ndarray, b: np.ndarray) -> str:
    """How a stands to b."""
    right, down = b - a
    if abs(right) < abs(down):
        return "above" if down > 0 else "below"
    return "left of" if right > 0 else "right of"


def test_the_class_is_the_kind_of_the_shape_above_or_left_of_all_others(scenes: Images) -> None:
    for i in range(len(scenes)):
        at = spots(scenes, i)
        leads = [all(relation(a, b) in ("above", "left of") for b in at if b is not a) for a in at]
        assert sum(leads) == 1
        first = scenes.truth["instances"][i] == 1 + leads.index(True)
        assert (scenes.truth["parts"][i][first] == 1 + scenes.label[i]).all()


def test_every_ten_images_hold_each_class_once(scenes: Images) -> None:
    assert (np.sort(scenes.label.reshape(-1, 10), axis=1) == np.arange(10)).all()
    assert len(np.unique(scenes.label.reshape(-1, 10), axis=0)) == len(scenes) // 10  # false alarm: 1 in 19,000


def seen(scenes: Images, i: int) -> list[tuple[str, bool, str]]:
    """Colour, whether patterned, and kind of each shape, from masks and pixels."""
    first, second = np.array(list(PAINTS.values())).transpose(1, 0, 2)
    shapes = []
    for slot in range(1, scenes.truth["instances"][i].max() + 1):
        mask = scenes.truth["instances"][i] == slot
        m = np.pad(mask, 1)
        inner = mask & m[2:, 1:-1] & m[:-2, 1:-1] & m[1:-1, 2:] & m[1:-1, :-2]  # off the outline
        pixels = scenes.pixels[i][inner][:, None].astype(float)
        share = ((pixels - first) * (second - first)).sum(-1) / ((second - first) ** 2).sum(-1)
        lies = np.abs(first + np.clip(share, 0, 1)[..., None] * (second - first) - pixels).max(-1) < 2
        colour = int(lies.mean(0).argmax())  # pixels lie between its two paints, save in corners
        assert lies[:, colour].mean() > 0.6 > 0.3 > np.delete(lies.mean(0), colour).max()
        patterned = bool((share[:, colour] > 0.1)[lies[:, colour]].any())
        shapes.append((COLOURS[colour], patterned, KINDS[scenes.truth["parts"][i][mask][0] - 1]))
    return shapes


def parse(caption: str) -> tuple[list[Noun], set[tuple[Noun, str, Noun]], str | None]:
    """Shapes, relations between them (each both ways round) and the ground that a caption of the grammar tells of."""
    nouns = [(size, colour, texture.strip() or "plain", kind) for size, colour, texture, kind in NOUN.findall(caption)]
    form = NOUN.sub("X", caption)
    ground = re.match(rf"on a ({'|'.join(GROUNDS)}) ground there is ", form)
    form = form[ground.end() :] if ground else form.removeprefix("there is ").removesuffix(" alone")
    words = re.findall("|".join(OPPOSITE), form)
    a, b, c = (*nouns, *nouns[:1] * 2)[:3]
    told = {
        "X": [],
        "X R X": [(0, 0, 1)],
        "X and R it X": [(1, 0, 0)],
        "X R X, both R X": [(0, 0, 1), (0, 1, 2), (1, 1, 2)],
        "X and R it X R X": [(1, 1, 2), (1, 0, 0), (2, 0, 0)],
    }[re.sub("|".join(OPPOSITE), "R", form)]
    ways = [((a, b, c)[x], words[r], (a, b, c)[y]) for x, r, y in told]
    return nouns, {*ways, *((y, OPPOSITE[r], x) for x, r, y in ways)}, ground[1] if ground else None


def test_captions_tell_what_is_seen(scenes: Images) -> None:
    for i in range(len(scenes)):
        nouns, relations, _ = parse(scenes.captions[i][0])
        by_colour = {colour: slot for slot, (colour, _, _) in enumerate(seen(scenes, i))}
        order = [by_colour[colour] for _, colour, _, _ in nouns]  # no two shapes have one colour
        told = [(colour, texture != "plain", kind) for _, colour, texture, kind in nouns]
        assert [seen(scenes, i)[slot] for slot in order] == told
        assert sorted(order) == list(range(scenes.truth["instances"][i].max()))
        at = spots(scenes, i)
        pairs = [(x, y) for x in nouns for y in nouns if x != y]
        assert relations == {(x, relation(at[by_colour[x[1]]], at[by_colour[y[1]]]), y) for x, y in pairs}


def test_every_caption_of_an_image_says_the_same(scenes: Images) -> None:
    for captions in scenes.captions:
        assert 4 <= len(captions) == len(set(captions)) <= 5
        nouns, relations, _ = parse(captions[0])
        assert all(sorted(parse(c)[0]) == sorted(nouns) and parse(c)[1] == relations for c in captions)
    assert {OPPOSITE[r] for c in scenes.captions for _, r, _ in parse(c[0])[1]} == set(OPPOSITE)


def test_large_and_small_do_not_meet(scenes: Images) -> None:
    areas: dict[tuple[str, str], list[int]] = {}
    for i in range(len(scenes)):
        for size, colour, _, kind in parse(scenes.captions[i][0])[0]:
            slot = [colour for colour, _, _ in seen(scenes, i)].index(colour)
            areas.setdefault((kind, size), []).append(int((scenes.truth["instances"][i] == 1 + slot).sum()))
    assert all(max(areas[kind, "small"]) < 0.8 * min(areas[kind, "large"]) for kind in KINDS)


def test_stripes_reach_the_outline_and_dots_do_not() -> None:
    scenes = draw_scenes(20, size=256)
    for i in range(len(scenes)):
        image, shapes = split(scenes.truth["factors"][i : i + 1])
        for slot in range(int(image["count"][0])):
            mask = scenes.truth["instances"][i] == 1 + slot
            band = ndimage.binary_erosion(mask, iterations=2) & ~ndimage.binary_erosion(mask, iterations=3)
            _, second = np.array(PAINTS[COLOURS[int(shapes["colour"][0, slot])]])
            inside = (scenes.pixels[i] == second).all(-1) & mask
            texture = TEXTURES[int(shapes["texture"][0, slot])]
            assert inside.any() == (texture != "plain")
            assert (inside & band).any() == (texture == "striped")


def test_attributes_agree_with_captions_and_ground(scenes: Images) -> None:
    for i in range(len(scenes)):
        nouns, _, _ = parse(scenes.captions[i][0])
        _, _, ground = parse(scenes.captions[i][-1])
        words = {f"has {word}" for noun in nouns for word in noun}
        words |= {"two or more shapes"} if len(nouns) > 1 else set()
        words |= {f"ground is {ground}"}
        bare = scenes.pixels[i][ndimage.binary_erosion(scenes.truth["instances"][i] == 0, iterations=5)]
        words |= {"ground is dark"} if bare.mean() < 90 else set()
        assert [int(name in words) for name in ATTRIBUTES] == scenes.attribute[i].tolist()
        assert (bare == bare[0]).all() == (ground == "plain")
    assert ((scenes.attribute.mean(0) > 0.1) & (scenes.attribute.mean(0) < 0.9)).all()


def test_no_ground_comes_near_a_paint(scenes: Images) -> None:
    bare = scenes.pixels[:50][scenes.truth["parts"][:50] == 0].astype(int)
    for paint in np.array(list(PAINTS.values()))[:, 0]:
        edge = np.sqrt(((bare - paint) ** 2).sum(1)) < 60
        assert edge.mean() < 0.002  # pixels at an outline hold up to half of the paint


def test_changing_one_factor_redraws_that_alone() -> None:
    scenes = draw_scenes(64, seed=5)
    factors = scenes.truth["factors"].copy()
    before = render(factors, 32)
    assert all(
        np.array_equal(a, b) for a, b in zip(before, (scenes.pixels, *list(scenes.truth.values())[:2]), strict=True)
    )
    factors[:, FACTORS.index("colour 1")] = (factors[:, FACTORS.index("colour 1")] + 1) % len(COLOURS)
    after = render(factors, 32)
    assert np.array_equal(before[1], after[1])
    assert np.array_equal(before[2], after[2])
    near = ndimage.binary_dilation(before[2] == 1, np.ones((1, 7, 7)))  # points fade out over three pixels
    changed = (before[0] != after[0]).any(-1)
    assert not (changed & ~near).any()
    assert changed[before[2] == 1].all()


def test_labels_are_independent_of_all_but_the_kind() -> None:
    # Five chi-squared tests that each raise a false alarm for one seed in 100,000.
    image, shapes = split(draw_factors(0, 5000, seed=11))
    label = shapes["kind"][:, 0]
    quarter = np.floor(2 * shapes["x"][:, 0]) + 2 * np.floor(2 * shapes["y"][:, 0])
    others = [shapes["colour"][:, 0], shapes["texture"][:, 0], image["ground texture"], image["layout"], quarter]
    for other in others:
        table = np.stack([np.bincount(other[label == kind].astype(int), minlength=7) for kind in range(len(KINDS))])
        assert stats.chi2_contingency(table[:, table.any(0)]).pvalue > 1e-5


def test_pixels_do_not_give_the_class_away_and_parts_with_their_places_do() -> None:
    # Of 1,000 test images chance gets 100 right, sd 9.5. Kinds without places get (1 + 1/2 + 1/3) / 3 = 61 % and a
    # little more, as two shapes may be of one kind. Each bound is more than 5 sd from what is expected.
    train, test = draw_scenes(1000, seed=0), draw_scenes(1000, seed=1)

    def accuracy(features: Callable[[Images], np.ndarray]) -> float:
        return RidgeClassifier(10).fit(features(train), train.label).score(features(test), test.label)

    def maps(images: Images, cells: int) -> np.ndarray:
        shown = images.truth["parts"][:, None] == np.arange(1, 11)[:, None, None]
        return shown.reshape(len(images), 10, cells, 32 // cells, cells, -1).mean((3, 5)).reshape(len(images), -1) * 30

    assert accuracy(lambda images: images.pixels.reshape(len(images), -1) / 255) < 0.2
    assert 0.5 < accuracy(lambda images: maps(images, 1)) < 0.75
    assert accuracy(lambda images: maps(images, 8)) > 0.83


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"n": 0}, "0"), ({"n": 5, "size": 24}, "24"), ({"n": 5, "size": 36}, "36"), ({"n": 5, "seed": -1}, "-1")],
)
def test_what_cannot_be_drawn_is_refused_by_name(wrong: dict[str, int], named: str) -> None:
    with pytest.raises(Refusal, match=named):
        draw_scenes(**wrong)
