import numpy as np
import pytest
import torch
from sheets.fakes import Fake, Parted, Stacked, Telling, view
from torch import Generator

from latelier.core import Encodes, Model, Wrapper
from latelier.errors import Refusal
from latelier.scores.reconstruction import psnr
from latelier.sheets import (
    codes,
    find,
    interpolate,
    list_sheets,
    losses,
    possible,
    samples,
    wanted,
)
from latelier.sheets.reconstruct import decibels
from latelier.sheets.sheet import MARGIN, NARROWEST, WIDEST
from latelier.sheets.together import draw_together
from latelier.sheets.view import pixels

SHEETS = [
    "augmented",
    "captions",
    "codes",
    "delta",
    "distances",
    "edits",
    "filters",
    "imagine",
    "innovation",
    "inpaint",
    "interpolate",
    "latent_map",
    "level_traverse",
    "levels",
    "losses",
    "manifold",
    "part_crops",
    "parts",
    "reconstruct",
    "samples",
    "swap",
    "traverse",
    "unpooling",
    "weights",
]
PARTED = ["part_crops", "parts", "swap"]  # for models that explain images by parts
STACKED = ["distances", "innovation", "inpaint", "level_traverse", "levels"]  # for hierarchies that an adversary taught
TOLD = ["captions", "imagine"]  # for models that write captions
PLOTS = ["distances", "losses"]  # matplotlib's own, with margins of their own
SHAPES = [pytest.param((3, 32, 32), marks=pytest.mark.slow), (3, 12, 20), (1, 33, 9)]


class Blind(Model, Encodes):
    """Encodes and nothing else."""

    moves = encode = None


def model_for(name, image):
    of = {**dict.fromkeys(PARTED, Parted), **dict.fromkeys(STACKED, Stacked), **dict.fromkeys(TOLD, Telling)}
    return of.get(name, Fake)(image)


class Around(Wrapper):
    """A wrapper that adds nothing."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.latents, self.image = inner, inner.latents, inner.image

    def moves(self):
        return ()


def test_every_sheet_is_found_and_nothing_else():
    assert list_sheets() == SHEETS
    with pytest.raises(Refusal, match='unknown sheet "traverses"; did you mean "traverse"'):
        find("traverses")


def test_a_hyphen_in_a_name_is_an_underscore():
    assert find("part-crops") is find("part_crops")


def test_a_model_gets_the_sheets_that_it_has_the_capabilities_for():
    for model in (Fake((1, 8, 8)), Around(Fake((1, 8, 8)))):
        assert possible(model) == [name for name in SHEETS if name not in PARTED + STACKED + TOLD]
    assert possible(Stacked((1, 8, 8))) == [name for name in SHEETS if name not in PARTED + TOLD]
    assert set(TOLD) < set(possible(Around(Telling((1, 8, 8)))))
    assert set(PARTED) < set(possible(Around(Parted((1, 8, 8)))))
    assert possible(Blind()) == ["augmented", "codes", "losses", "weights"]


def test_a_sheet_says_how_many_images_it_wants_or_gets_64():
    assert wanted(codes) == codes.IMAGES == 2000
    assert wanted(samples) == 64


def assert_drawn(name, sheet):
    assert sheet.dtype == np.uint8
    assert sheet.ndim == 3
    assert sheet.shape[2] == 3
    assert NARROWEST <= sheet.shape[1] <= WIDEST
    assert (sheet < 200).any()
    if name not in PLOTS:
        assert (sheet[:, -MARGIN:] == 255).all()


@pytest.mark.parametrize("image", SHAPES)
@pytest.mark.parametrize("name", SHEETS)
def test_every_sheet_draws_every_shape_of_image(name, image):
    assert_drawn(name, find(name).draw(view(Around(model_for(name, image)))))


@pytest.mark.parametrize("name", SHEETS)
def test_the_same_seed_draws_the_same_sheet(name):
    model = model_for(name, (1, 8, 8))
    first, again = (find(name).draw(view(model)) for _ in range(2))
    assert np.array_equal(first, again)
    assert_drawn(name, first)


def test_pixels_round_and_clip():
    image = torch.tensor([-1.0, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 7.0]).view(1, 1, 2, 3)
    assert pixels(image).tolist() == [[[[0], [0], [0]], [[1], [255], [255]]]]


def test_psnr_of_a_known_error():
    image = torch.full((2, 3, 4, 5), 0.5)
    other = torch.stack([image[0] + 0.1, image[1]])
    peaks = psnr(image, other).tolist()
    assert peaks == pytest.approx([20, 100])
    assert [decibels(value) for value in peaks] == ["20.0 dB", "exact"]


def test_samples_shows_as_many_drawn_as_real_ones():
    for n in (3, 200):
        model = Fake((1, 8, 8))
        sheet = samples.draw(view(model, n=n))
        drawn = len(model.decoded[0]["z"])
        assert drawn == min(n, 48)
        ink = (sheet[70:-MARGIN] < 255).any(2)
        assert (ink[:, : sheet.shape[1] // 2].sum() - ink[:, sheet.shape[1] // 2 :].sum()) / ink.sum() < 0.05


def test_samples_follow_the_generator():
    model = Fake((1, 8, 8))
    sheets = [samples.draw(view(model, generator=Generator().manual_seed(seed))) for seed in (0, 1)]
    assert not np.array_equal(*sheets)


def test_interpolation_begins_and_ends_at_the_codes():
    code = {"z": torch.randn(6, 2, 3, generator=Generator().manual_seed(0))}
    for spherical in (set(), {"z"}):
        assert torch.allclose(interpolate.between(code, 0.0, spherical)["z"], code["z"][0::2], atol=1e-6)
        assert torch.allclose(interpolate.between(code, 1.0, spherical)["z"], code["z"][1::2], atol=1e-6)
    assert torch.allclose(interpolate.between(code, 0.5, set())["z"], (code["z"][0::2] + code["z"][1::2]) / 2)


def test_an_arc_keeps_the_length_and_halves_the_angle():
    half = interpolate.arc(torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 3.0]]), 0.5)
    assert torch.allclose(half, torch.tensor([[3.0, 3.0]]) / 2**0.5)


@pytest.mark.parametrize("end", [[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [1.0, 1e-4]])
def test_an_arc_between_codes_on_one_line_is_finite(end):
    assert interpolate.arc(torch.tensor([[1.0, 0.0]]), torch.tensor([end]), 0.3).isfinite().all()


def test_interpolation_needs_two_images():
    with pytest.raises(Refusal, match="needs two images"):
        interpolate.draw(view(Fake((1, 8, 8)), n=1))


def test_an_empty_log_is_refused():
    for log in ([], [{"seen": 10, "terms": {}}]):
        with pytest.raises(Refusal, match="log"):
            losses.draw(view(Fake((1, 8, 8)), log=log))


def test_curves_are_in_order_and_a_resumed_run_overwrites():
    log = [
        {"seen": 10, "terms": {"a": 1.0}},
        {"seen": 20, "terms": {"a": 2.0, "b": 5.0}},
        {"seen": 20, "validation": {"a": 9.0}},
        {"seen": 10, "terms": {"a": 3.0}},
        {"seen": 5, "terms": {"a": 7.0}},
    ]
    assert losses.curves(log, "terms") == {"a": ([5, 10, 20], [7.0, 3.0, 2.0]), "b": ([20], [5.0])}
    assert losses.curves(log, "validation") == {"a": ([20], [9.0])}


def test_validation_is_drawn_in_its_colour_where_there_is_one():
    def orange(log):
        sheet = losses.draw(view(Fake((1, 8, 8)), log=log)).astype(int)
        return ((sheet[..., 0] > 180) & (sheet[..., 2] < 60)).sum()

    log = [{"seen": i, "terms": {"elbo": float(i)}} for i in range(5)]
    assert orange(log) == 0
    assert orange([record | {"validation": {"elbo": 2.0}} for record in log]) > 50


def test_one_panel_a_term_with_names_that_are_no_formulas():
    def height(terms):
        log = [{"seen": i, "terms": {f"$x_{j}$ $": float("nan") if i else 1.0 for j in range(terms)}} for i in range(3)]
        return losses.draw(view(Fake((1, 8, 8)), log=log)).shape[0]

    assert height(1) == height(3) < height(4) == height(6)


@pytest.mark.parametrize(
    ("term", "unit"),
    [("elbo", "nats an image"), ("KL z_1", "nats an image"), ("probe accuracy", "share of images"), ("generated", "")],
)
def test_units_are_said_where_the_name_tells_them(term, unit):
    assert losses.unit(term) == unit


def test_models_are_drawn_together():
    views = [view(Fake((1, 8, 8))), view(Fake((1, 12, 12)))]
    one, two = draw_together(views[:1]), draw_together(views)
    assert NARROWEST <= two.shape[1] <= WIDEST
    assert two.shape[0] >= one.shape[0] + 96
