"""Several runs on the same images: which are the same, what differs, and where one is worse."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from explore.able import Able
from explore.opened import Page, page, pictures
from PIL import Image
from sheets.fakes import Fake

from latelier.explore import errors_seen
from latelier.explore.sameness import LOOKED_AT, mark

IMAGE = (1, 8, 6)


def seen(address: str) -> np.ndarray:
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))


def test_images_are_the_same_by_their_pixels() -> None:
    one = pictures(600)
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
    model, image = Able(IMAGE).eval(), pictures().floats([2])
    apart = (model.decode(model.encode(image).mode()) - image).detach()
    for gain in (1, 4):
        told = able.ask("compare", "show", picture="d2", gain=gain)
        expected = (0.5 + gain * apart).clamp(0, 1).mul(255).round().byte().numpy()[0, 0]
        assert np.array_equal(seen(told["difference"]), expected)
    alone = able.ask("reconstruct", "show", picture="d2")["again"][0]
    assert (told["picture"], told["psnr"], told["numbers"]) == (alone["picture"], alone["psnr"], alone["numbers"])
    assert told["greatest"] == pytest.approx(float(apart.abs().max()))
    assert able.refused("compare", "show", picture="d2", gain=0)[0] == 400


def test_errors_are_those_of_each_reconstruction(able: Page) -> None:
    told = able.ask("compare", "errors")
    assert [one["id"] for one in told["pictures"]] == [f"d{row}" for row in range(12)]
    alone = [able.ask("compare", "show", picture=f"d{row}")["psnr"] for row in range(12)]
    assert [f"{value:.1f} dB" for value in told["psnr"]] == alone
    assert told["mean"] == f"{np.mean(told['psnr']):.1f} dB"


def test_a_sample_is_the_same_of_every_run_and_comes_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MOST", 8), ("BLOCK", 3), ("PATIENCE", 0)):
        monkeypatch.setattr(errors_seen, name, value)
    with page(Able(IMAGE), Fake(IMAGE)) as opened:
        first, second, third = (opened.client.post("/api/one/compare/errors", json={}) for _ in range(3))
        assert [(answer.status_code, answer.json()) for answer in (first, second)] == [
            (202, {"waiting": 3 / 8}),
            (202, {"waiting": 6 / 8}),
        ]
        for _ in range(2):
            opened.client.post("/api/two/compare/errors", json={})
        one, two = third.json(), opened.ask("compare", "errors", run="two")
        assert [one["id"] for one in one["pictures"]] == [two["id"] for two in two["pictures"]]
        assert (len(one["psnr"]), one["total"]) == (8, 12)


def test_a_slice_that_fails_is_said(able: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Fake, code: object) -> None:
        raise RuntimeError("no memory")

    with page(Able(IMAGE), Fake(IMAGE)) as opened:
        with monkeypatch.context() as patched:
            patched.setattr(Fake, "decode", broken)
            assert opened.refused("compare", "errors")[0] == 500
        assert "could not be reconstructed" in opened.refused("compare", "errors")[1]


def test_commands_name_every_run_and_its_own_files(able: Page) -> None:
    command = able.ask("compare", "command", folders=["runs/two", "a b"])["command"]
    assert command == "latelier compare nowhere/one runs/two 'a b' --data noise:test --out compare.png"
    saved = able.ask("reconstruct", "code", picture="d1", stem="one")
    assert saved["command"].endswith(" --out one.png")
    for stem in ("../x", "-o", "a.b", "x" * 81):
        assert able.refused("reconstruct", "code", picture="d1", stem=stem)[0] == 400
