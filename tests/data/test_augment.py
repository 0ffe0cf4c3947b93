"""Random changes of training images."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from latelier.data import augment
from latelier.data.augment import Augment
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.errors import Refusal

PARTS = {
    "shift": Augment(shift=2),
    "flip": Augment(flip=True),
    "affine": Augment(affine=1),
    "cutout": Augment(cutout=0.3),
    "colour": Augment(colour=1),
    "strong": augment.strong((3, 12, 10)),
    "all": Augment(2, True, 3.0, 0.5, 3.0),
}
SHAPES = [(1, 8, 8), (3, 12, 10), (2, 7, 9)]


def photos(shape: tuple[int, int, int], count: int = 6) -> Tensor:
    return torch.rand(count, *shape, generator=Generator().manual_seed(1)) * 0.9 + 0.1


def digits(shape: tuple[int, int, int], count: int = 6) -> Tensor:
    image = torch.zeros(count, *shape)
    image[:, :, 2:-2, 2:-2] = photos(shape, count)[:, :, 2:-2, 2:-2]
    return image


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@pytest.mark.parametrize("images", [photos, digits])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("part", PARTS)
def test_changes_are_a_function_of_the_generator_and_stay_in_range(part, shape, images):
    image = images(shape)
    one, again, other = (PARTS[part](image.clone(), seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one.shape == image.shape
    assert one.is_contiguous(memory_format=torch.channels_last)
    assert one.isfinite().all()
    assert one.min() >= 0
    assert one.max() <= 1


@pytest.mark.parametrize("image", [photos((3, 9, 8)), digits((1, 9, 8))])
def test_strength_0_changes_nothing(image):
    assert torch.equal(Augment()(image, seeded()), image)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"shift": -1}, {"cutout": 1.0}, {"cutout": float("nan")}),
        *({"affine": -0.5}, {"affine": float("nan")}, {"affine": 3.1}, {"colour": -1.0}, {"colour": 1e300}),
    ],
)
def test_strengths_out_of_range_are_refused(wrong):
    with pytest.raises(Refusal, match=next(iter(wrong))):
        Augment(**wrong)


def test_the_strongest_views_are_still_views():
    """Nearly all keep what is in the middle of their image, and of noise some grey."""
    square = torch.zeros(1000, 1, 27, 27)
    square[:, :, 11:16, 11:16] = 1
    assert (Augment(affine=3)(square, seeded()).amax((1, 2, 3)) > 0.5).float().mean() > 0.98
    tinted = Augment(colour=3)(photos((3, 9, 8), 300), seeded())
    assert ((tinted > 0) & (tinted < 1)).flatten(1).any(1).float().mean() > 0.97


@pytest.mark.parametrize("part", ["affine", "cutout", "colour", "strong"])
def test_an_image_alone_becomes_what_it_becomes_as_the_first_of_many(part):
    image = torch.cat([digits((3, 12, 10), 3), photos((3, 12, 10), 3)])[[0, 3, 1, 4, 2, 5]]
    many = PARTS[part](image, seeded())
    torch.testing.assert_close(PARTS[part](image[:1], seeded()), many[:1])
    others = image.clone()
    others[[0, 1, 2, 4, 5]] = 0  # of one image its mates change nothing, wherever it stands
    torch.testing.assert_close(PARTS[part](others, seeded())[3], many[3])


@pytest.mark.parametrize("part", PARTS)
def test_images_are_changed_differently(part):
    image = photos((3, 12, 10), 1).expand(8, -1, -1, -1)
    changed = PARTS[part](image, seeded())
    assert any(not torch.equal(changed[0], other) for other in changed[1:])


@pytest.mark.parametrize("change", [Augment(shift=2), Augment(flip=True), Augment(affine=1, cutout=0.3, colour=1)])
def test_alike_images_are_changed_in_the_same_way(change):
    generator = Generator().manual_seed(3)
    image = torch.rand(1, 3, 12, 12, generator=generator).expand(8, 3, 12, 12)
    changed = change(image, generator, alike=True)
    assert torch.equal(changed, changed[:1].expand_as(changed))
    assert any(not torch.equal(change(image, generator, alike=True), changed) for _ in range(16))


def test_a_flip_is_from_left_to_right_of_half_of_the_images():
    image = photos((3, 12, 10), 400)
    changed = Augment(flip=True)(image, seeded())
    same, mirrored = ((changed == one).flatten(1).all(1) for one in (image, image.flip(3)))
    assert (same ^ mirrored).all()
    assert abs(int(mirrored.sum()) - 200) < 50  # five standard deviations


def test_one_change_does_not_alter_the_draws_of_another():
    image = photos((3, 12, 10))
    both = Augment(affine=1, cutout=0.3)(image, seeded())
    turned = Augment(affine=1)(image, seeded())
    kept = (both == turned).all(1)
    assert 0.6 < kept.float().mean() < 1  # all but the square


@pytest.mark.parametrize("alike", [False, True])
def test_a_shift_takes_each_pixel_from_where_its_draw_says_and_black_from_outside(alike):
    image = photos((2, 5, 4), 40)
    changed = Augment(shift=2)(image, seeded(), alike=alike)
    moves = torch.randint(-2, 3, (1 if alike else 40, 2), generator=seeded()).expand(40, 2).tolist()
    wanted = torch.zeros_like(image)
    for place, (down, right) in enumerate(moves):
        for row in range(5):
            for column in range(4):
                if 0 <= row + down < 5 and 0 <= column + right < 4:
                    wanted[place, :, row, column] = image[place, :, row + down, column + right]
    assert torch.equal(changed, wanted)


def unit(b: int, **draws: float) -> Tensor:
    """Draws of ``_turned`` and of ``_tinted``: 0 in the middle of each range."""
    places = {"turn": 0, "tall": 1, "wide": 2, "shear": 3, "down": 4, "right": 5}
    places |= {"bright": 0, "contrast": 1, "saturation": 2, "hue": 3}
    row = torch.zeros(b, 6)
    for name, value in draws.items():
        row[:, places[name]] = value
    return row


def turned(image: Tensor, strength: float, *, black: bool = True, **draws: float) -> Tensor:
    return augment._turned(image, strength, unit(len(image), **draws), torch.full((len(image),), black))


def test_a_quarter_turn_is_a_quarter_turn():
    image = photos((3, 9, 9))
    once = turned(image, 90 / 20, turn=1)
    torch.testing.assert_close(once, image.rot90(1, (2, 3)), atol=1e-5, rtol=0)
    torch.testing.assert_close(turned(image, 90 / 20, turn=-1), image.rot90(-1, (2, 3)), atol=1e-5, rtol=0)


def test_sides_of_different_lengths_turn_without_stretching():
    image = photos((1, 7, 11))
    torch.testing.assert_close(turned(image, 180 / 20, turn=1), image.flip(2, 3), atol=1e-5, rtol=0)
    middle = turned(image, 90 / 20, turn=1)[:, :, :, 2:9]
    torch.testing.assert_close(middle, image[:, :, :, 2:9].rot90(1, (2, 3)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("side", "strength", "pixels"), [(28, 1.0, 3), (8, 0.75, 1), (56, 1.0, 6), (8, 0.25, 1)])
def test_it_moves_by_a_ninth_of_the_side_and_at_least_by_a_pixel(side, strength, pixels):
    image = digits((1, side, side))
    down, right = (turned(image, strength, **{way: 1.0}) for way in ("down", "right"))
    assert torch.allclose(down[:, :, :-pixels], image[:, :, pixels:], atol=1e-4)
    assert torch.allclose(right[..., :-pixels], image[..., pixels:], atol=1e-4)


def test_scale_and_shear_move_a_known_pixel_where_they_say():
    image = torch.zeros(1, 1, 41, 41)
    image[0, 0, 20 - 10, 20 + 10] = 1  # from the middle 10 px up and 10 to the right
    smaller = turned(image, 1.0, tall=1, wide=1)
    sheared = turned(image, 1.0, shear=1)
    assert (smaller[0, 0].argmax() // 41 - 20, smaller[0, 0].argmax() % 41 - 20) == (-8, 8)  # 10 / e^.2 = 8.19
    assert (sheared[0, 0].argmax() // 41 - 20, sheared[0, 0].argmax() % 41 - 20) == (-10, 13)  # x' = x + .3 y


def test_turn_scale_shear_and_move_together_take_each_point_from_where_their_product_says():
    """Of an image whose values are its coordinates: interpolation leaves them as they are."""
    h, w = 40, 60
    sides = torch.tensor([w, h])[:, None, None]
    point = torch.stack(torch.meshgrid(torch.arange(w) + 0.5, torch.arange(h) + 0.5, indexing="xy")) - sides / 2
    drawn = torch.rand(20, 6, generator=seeded()) * 2 - 1
    image = (point / sides / 2 + 0.5).expand(20, 2, h, w)
    found = augment._turned(image, 1.0, drawn, torch.zeros(20, dtype=torch.bool))
    for one, (turn, tall, wide, shear, down, right) in zip((found - 0.5) * 2 * sides, drawn.tolist(), strict=True):
        cos, sin = math.cos(turn * math.radians(20)), math.sin(turn * math.radians(20))
        rotation = torch.tensor([[cos, -sin], [sin, cos]])
        scales = torch.tensor([[math.exp(0.2 * wide), 0.3 * shear], [0.0, math.exp(0.2 * tall)]])
        moved = torch.tensor([right, down])[:, None, None] * 3 / 28 * sides
        wanted = torch.einsum("ij,jhw->ihw", rotation @ scales, point) + moved
        inside = (wanted.abs() < (sides - 1) / 2).all(0)
        assert inside.float().mean() > 0.5
        torch.testing.assert_close(one[:, inside], wanted[:, inside], atol=1e-3, rtol=0)


def test_white_stays_white_where_shares_of_neighbours_add_up_to_more_by_rounding():
    assert Augment(affine=1)(torch.ones(64, 1, 9, 9), seeded()).max() == 1


def test_an_image_is_black_rimmed_with_one_side_that_is_lit_and_not_with_any_two():
    sides = ((slice(None), 0), (slice(None), -1), (0,), (-1,))
    for lit in itertools.chain(itertools.combinations(sides, 1), itertools.combinations(sides, 2)):
        image = torch.zeros(1, 1, 6, 6)
        for side in lit:
            image[(0, 0, *side)] = 1
        assert augment._black_rimmed(image).tolist() == [len(lit) == 1]
        assert augment._black_rimmed(image.clamp(min=augment.BLACK)).tolist() == [len(lit) == 1]


def test_a_rim_of_which_just_half_is_black_is_black():
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 0], image[0, 0, 1:3, 0] = 1, 1  # with its corners twice, 8 of 16
    assert augment._black_rimmed(image).tolist() == [True]
    image[0, 0, 3, 1] = 1
    assert augment._black_rimmed(image).tolist() == [False]


def test_outside_is_black_for_black_rims_and_mirrored_for_others():
    image = photos((1, 12, 12))
    black = digits((1, 12, 12))
    assert augment._black_rimmed(torch.cat([image, black])).tolist() == [False] * 6 + [True] * 6
    moved = Augment(affine=3)(torch.cat([image, black]), seeded())
    assert moved[:6].min() >= image.min()  # no wedge of another colour
    assert moved[6:].min() == 0
    half = turned(image, 28 / 6, black=False, down=1)  # by half of the side: what comes in is the image mirrored
    torch.testing.assert_close(half[:, :, :6], image[:, :, 6:], atol=1e-5, rtol=0)
    torch.testing.assert_close(half[:, :, 6:], image[:, :, 6:].flip(2), atol=1e-5, rtol=0)
    half = turned(image, 28 / 6, black=True, down=1)  # or black
    torch.testing.assert_close(half[:, :, :6], image[:, :, 6:], atol=1e-5, rtol=0)
    assert (half[:, :, 6:] == 0).all()


@pytest.mark.parametrize(("share", "side"), [(0.36, 3), (0.01, 1), (0.9, 7)])
def test_a_square_is_cut_out_and_painted_black_or_in_the_mean_colour(share, side):
    image = torch.cat([photos((3, 8, 8), 40), torch.zeros(40, 3, 8, 8) + torch.eye(8) * 0.5])
    cut = Augment(cutout=share)(image, seeded())
    changed = (cut != image).any(1)
    area = changed[:40].flatten(1).sum(1)
    assert area.max() == min(side * side, 64)
    assert area.min() >= 1  # its middle is inside
    rows, columns = changed[:40].any(2).sum(1), changed[:40].any(1).sum(1)
    assert torch.equal(area, rows * columns)
    assert (cut[40:][changed[40:, None].expand(-1, 3, -1, -1)] == 0).all()
    painted = torch.where(changed[:40, None], cut[:40], 0).sum((2, 3)) / area[:, None]
    torch.testing.assert_close(painted, image[:40].mean((2, 3)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("place", "rows", "columns"),
    [((-1.0, -1.0), (0, 2), (0, 2)), ((1.0, 1.0), (5, 8), (7, 10)), ((0.0, -0.5), (2, 6), (0, 4))],
)
def test_a_square_lies_about_its_place(place, rows, columns):
    """From the first row and column to the last, its middle where a side of four has its third."""
    image = digits((1, 8, 10), 1) + 0.5
    cut = augment._cut(image, 0.5, torch.tensor([place]), torch.ones(1, dtype=torch.bool))
    wanted = image.clone()
    wanted[:, :, slice(*rows), slice(*columns)] = 0
    assert torch.equal(cut, wanted)


def tinted(image: Tensor, **draws: float) -> Tensor:
    return augment._tinted(image, 1.0, unit(len(image), **draws))


@pytest.mark.parametrize("shape", [(1, 5, 6), (3, 5, 6), (2, 5, 6)])
def test_brightness_and_contrast_are_what_they_are_called(shape):
    image = 0.4 + photos(shape) * 0.1
    mean = image.mean((1, 2, 3), keepdim=True)
    torch.testing.assert_close(tinted(image, bright=1), image * math.exp(0.4))
    torch.testing.assert_close(tinted(image, contrast=-1), mean + (image - mean) * math.exp(-0.4))
    torch.testing.assert_close(tinted(image), image)


def test_saturation_and_hue_leave_grey_alone_and_turn_the_rest():
    image = 0.4 + photos((3, 5, 6)) * 0.1
    grey = image.mean(1, keepdim=True)
    torch.testing.assert_close(tinted(image, saturation=1), grey + (image - grey) * math.exp(0.4))
    third = augment._tinted(image, 120 / 36, unit(len(image), hue=1))  # red becomes green, green blue, blue red
    torch.testing.assert_close(third, image[:, [2, 0, 1]])
    torch.testing.assert_close(tinted(grey.expand(-1, 3, -1, -1), hue=1, saturation=-1), grey.expand(-1, 3, -1, -1))


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 48), (3, 48, 64)])
def test_views_of_consistency_training_go_by_the_size(shape):
    strong = augment.strong(shape)
    assert strong.affine == (0.75 if shape[1] == 8 else 1)
    assert round(strong.cutout * min(shape[1:])) == {8: 0, 28: 10, 32: 12, 48: 17}[min(shape[1:])]
    assert strong.colour == (1 if shape[0] == 3 else 0)
    assert not strong.flip


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_generator_may_be_on_the_cpu_or_on_the_images_device():
    image = photos((3, 12, 10))
    for part in PARTS.values():
        by_cpu = part(image.cuda(), seeded())
        torch.testing.assert_close(by_cpu.cpu(), part(image, seeded()), atol=1e-4, rtol=0)
        one, again = (part(image.cuda(), Generator("cuda").manual_seed(2)) for _ in range(2))
        assert one.is_cuda
        assert torch.equal(one, again)


def test_batches_show_changed_images_at_training_alone():
    pixels = np.random.default_rng(0).integers(1, 256, (12, 8, 8, 1), dtype=np.uint8)
    images = Images(pixels, np.full(12, -1), np.zeros((12, 0), np.int8), [[]] * 12, [""] * 12)
    plain, changed, again = (
        Batches(images, 4, seed=0, device=torch.device("cpu"), augment=by)
        for by in (Augment(), Augment(affine=1, colour=1), Augment(affine=1, colour=1))
    )
    assert torch.equal(plain.at(8).image, Batches(images, 4, seed=0, device=torch.device("cpu")).at(8).image)
    assert torch.equal(plain.at(8).index, changed.at(8).index)
    assert not torch.equal(plain.at(8).image, changed.at(8).image)
    assert not torch.equal(changed.at(8).image, changed.at(20).image)  # the same images in another epoch
    assert torch.equal(changed.at(8).image, again.at(8).image)
    assert torch.equal(changed.rows(torch.arange(4)).image, plain.rows(torch.arange(4)).image)


def test_changes_are_others_with_another_seed_and_at_another_position():
    pixels = np.broadcast_to(np.random.default_rng(0).integers(1, 256, (1, 8, 8, 1), dtype=np.uint8), (12, 8, 8, 1))
    images = Images(pixels.copy(), np.full(12, -1), np.zeros((12, 0), np.int8), [[]] * 12, [""] * 12)  # all alike
    one, other = (Batches(images, 4, seed=s, device=torch.device("cpu"), augment=Augment(affine=1)) for s in (0, 1))
    shown = [one.at(0).image, one.at(4).image, other.at(0).image]
    assert all(not torch.equal(*pair) for pair in itertools.combinations(shown, 2))
