"""Several runs on the same images: which are the same, what differs, and where one is worse."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from explore.able import Able
from explore.opened import Page, noise_images, places_of
from PIL import Image
from sheets.fakes import Fake

from latelier.core import Latent
from latelier.explore import errors_seen
from latelier.explore.sameness import LOOKED_AT, mark
from latelier.slices import done

IMAGE = (1, 8, 6)


def seen(address: str) -> np.ndarray:
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))


def test_images_are_the_same_by_their_pixels() -> None:
    one = noise_images(600)
    other = replace(one, source="elsewhere", fingerprint="other", label=one.label * 0, names=one.names[::-1])
    assert mark(one) == mark(other)
    assert mark(one) != mark(one.take(np.arange(599)))
    changed = one.pixels.copy()
    changed[-1, 0, 0] ^= 1
    assert mark(one) != mark(replace(one, pixels=changed))
    assert LOOKED_AT < 600


def test_the_page_knows_which_runs_show_the_same(able: Page) -> None:
    one, two, three = (run["images"] for run in able.client.get("/api/site").json()["runs"])
    assert one == two != three


def test_a_difference_is_amplified_around_grey(able: Page) -> None:
    model, image = Able(IMAGE).eval(), noise_images().floats([2])
    apart = (model.decode(model.encode(image).mode()) - image).detach()
    for gain in (1, 4):
        told = able.ask("compare", "show", image="d2", gain=gain)
        expected = (0.5 + gain * apart).clamp(0, 1).mul(255).round().byte().numpy()[0, 0]
        assert np.array_equal(seen(told["difference"]), expected)
    alone = able.ask("reconstruct", "show", image="d2")["again"][0]
    assert (told["image"], told["psnr"], told["numbers"]) == (alone["image"], alone["psnr"], alone["numbers"])
    assert told["greatest"] == pytest.approx(float(apart.abs().max()))
    assert able.refused("compare", "show", image="d2", gain=0)[0] == 400


def test_errors_are_those_of_each_reconstruction(able: Page) -> None:
    told = able.ask("compare", "errors")
    assert [one["id"] for one in told["images"]] == [f"d{row}" for row in range(12)]
    alone = [able.ask("compare", "show", image=f"d{row}")["psnr"] for row in range(12)]
    assert [f"{value:.1f} dB" for value in told["psnr"]] == alone
    assert told["mean"] == f"{np.mean(told['psnr']):.1f} dB"


def test_a_sample_is_the_same_of_every_run_and_comes_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MOST", 8), ("BLOCK", 3)):
        monkeypatch.setattr(errors_seen, name, value)
    places, _ = places_of(Able(IMAGE), Fake(IMAGE, {"z": Latent((3,))}))
    one, two = (errors_seen.sampled(place) for place in places)
    assert list(one) == [3 / 8, 6 / 8, 1]
    one = errors_seen.sampled(places[0])
    assert done(one).rows.tolist() == (rows := done(two).rows.tolist())
    assert (len(set(rows)), max(rows) < 12) == (8, True)


def test_who_asks_again_finds_the_sample_there(able: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    first = able.ask("compare", "errors")
    monkeypatch.setattr(Fake, "decode", None)  # would fail if it were called
    assert able.ask("compare", "errors") == first


def test_commands_name_every_run_and_its_own_files(able: Page) -> None:
    command = able.ask("compare", "command", folders=["runs/two", "a b"])["command"]
    assert command == "latelier compare nowhere/one runs/two 'a b' --data noise:test --out compare.png"
    saved = able.ask("reconstruct", "code", image="d1", stem="one")
    assert saved["command"].endswith(" --out one.png")
    for stem in ("../x", "-o", "a.b", "x" * 81):
        assert able.refused("reconstruct", "code", image="d1", stem=stem)[0] == 400
