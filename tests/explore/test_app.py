"""What the server answers: to each panel, for each kind of model."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from explore.able import Able
from explore.opened import Page, noise_images, page
from PIL import Image
from sheets.fakes import Stacked

from latelier.explore.panels import find, list_panels
from latelier.runs.building import build
from latelier.scores.reconstruction import psnr

IMAGE = (1, 8, 6)


def seen(address: str) -> np.ndarray:
    """uint8 [h, w] or [h, w, c] of an image in an answer."""
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))


def hidden(rows: int) -> str:
    """A mask over the first rows."""
    mask = np.zeros(IMAGE[1:], bool)
    mask[:rows] = True
    return base64.b64encode(np.packbits(mask).tobytes()).decode()


# ---- which panels there are


def test_panels_follow_from_capabilities(able: Page) -> None:
    site = able.client.get("/api/site").json()
    panels = {run["id"]: run["panels"] for run in site["runs"]}
    common = ["start", "look", "label", "map", "reconstruct", "traverse", "interpolate", "edit", "compare"]
    assert panels["one"] == [*common[:8], "classify", "captions", "inpaint", "compare"]
    assert set(panels["three"]) - {"inpaint"} == {*common, "parts"}
    assert [site["panels"][name]["title"] for name in list_panels()] == [find(name).TITLE for name in list_panels()]


def test_a_model_that_only_draws_has_what_it_can() -> None:
    with page(build("dcgan", (1, 16, 8), latent=4, **{"net.channels": 4})) as opened:
        assert opened.client.get("/api/site").json()["runs"][0]["panels"] == ["start", "look", "traverse"]
        told = opened.ask("traverse", "sliders")
        assert (told["total"], told["ordered"]) == (4, False)
        key = told["sliders"][0]["key"]
        assert opened.ask("traverse", "move", moves={key: 1})["image"] != opened.ask("traverse", "move")["image"]


def test_panels_of_a_group_stand_together_and_every_letter_leads_to_one(able: Page) -> None:
    panels = able.client.get("/api/site").json()["panels"]
    groups = [panel["group"] for panel in panels.values()]
    assert list(dict.fromkeys(groups)) == ["Start", "Data", "Code", "Tasks", "Compare"]
    assert sorted(groups, key=list(dict.fromkeys(groups)).index) == groups
    letters = [panel["key"] for panel in panels.values()]
    assert len(set(letters)) == len(letters)
    assert all(len(letter) == 1 and letter.isalpha() for letter in letters)


def test_every_panel_has_its_module_on_the_page(able: Page) -> None:
    for name in list_panels():
        assert able.client.get(f"/static/panels/{name}.js").status_code == 200, name


# ---- what panels answer


def test_images_are_shown_by_class_and_by_nearness(able: Page) -> None:
    every = able.ask("look", "page", count=5, start=3)
    assert (every["total"], [one["id"] for one in every["images"]]) == (12, ["d3", "d4", "d5", "d6", "d7"])
    assert every["images"][0]["caption"] == "dog (3.png)"
    assert [one["id"] for one in able.ask("look", "page", label="cat")["images"]] == [
        "d0",
        "d2",
        "d4",
        "d6",
        "d8",
        "d10",
    ]
    near = able.ask("look", "near", image="d3", count=4)["images"]
    assert len(near) == 4
    assert "d3" not in [one["id"] for one in near]
    assert [one["distance"] for one in near] == sorted(one["distance"] for one in near)


def test_the_gallery_opens_at_the_page_of_an_image(able: Page) -> None:
    def starts(**asked: object) -> int:
        return int(able.ask("look", "page", count=5, **asked)["start"])

    assert [starts(image=one) for one in ("d0", "d4", "d5", "d11", "u0123456789ab", "d\u0663")] == [0, 0, 5, 10, 0, 0]
    assert starts(image="d7", start=0) == 0
    assert starts(image="d10", label="cat") == 5
    assert starts(image="d3", label="cat") == 0  # a dog
    assert 'no class "horse"' in able.refused("look", "page", label="horse")[1]


def test_an_image_is_served_as_the_model_sees_it(able: Page) -> None:
    answer = able.client.get("/api/one/image/d4.png")
    assert answer.headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), noise_images().pixels[4, :, :, 0])


def test_a_reconstruction_is_the_models_own(able: Page) -> None:
    told = able.ask("reconstruct", "show", image="d2")
    model, image = Able(IMAGE).eval(), noise_images().floats([2])
    again = model.decode(model.encode(image).mode()).detach()
    assert np.array_equal(seen(told["original"]), noise_images().pixels[2, :, :, 0])
    assert np.array_equal(seen(told["again"][0]["image"]), again[0, 0].mul(255).round().byte().numpy())
    assert told["again"][0]["psnr"] == f"{float(psnr(image, again)[0]):.1f} dB"


def test_a_hierarchy_is_reconstructed_level_by_level(able: Page) -> None:
    told = able.ask("reconstruct", "show", run="two", image="d2")
    assert [one["level"] for one in told["again"]] == list(Stacked(IMAGE).levels())
    code = able.ask("reconstruct", "code", run="two", image="d2", level=told["again"][-1]["level"])
    assert list(code["code"]) == [told["again"][-1]["level"]]


def test_a_slider_moves_one_number(able: Page) -> None:
    told = able.ask("traverse", "sliders", image="d1")
    weights = [float(one["weight"].split()[1]) for one in told["sliders"]]
    assert weights == sorted(weights, reverse=True)
    assert all(one["low"] <= one["value"] <= one["high"] for one in told["sliders"])
    key = told["sliders"][0]["key"]
    still, moved = (able.ask("traverse", "code", image="d1", moves=moves)["code"]["z"] for moves in ({}, {key: 2.5}))
    number = int(key.partition(":")[2])
    assert moved[number] == 2.5
    assert [a for i, a in enumerate(still) if i != number] == [a for i, a in enumerate(moved) if i != number]
    before, after = (able.ask("traverse", "move", image="d1", moves=moves)["image"] for moves in ({}, {key: 2.5}))
    assert before == able.ask("reconstruct", "show", image="d1")["again"][0]["image"]
    assert after != before


def test_a_draw_of_the_prior_is_a_function_of_its_seed(able: Page) -> None:
    one, again, other = (able.ask("traverse", "move", seed=seed)["image"] for seed in (3, 3, 4))
    assert one == again != other


def test_of_maps_the_numbers_at_one_cell_are_shown(able: Page) -> None:
    told = able.ask("traverse", "sliders", run="three", image="d1", latent="occurrence", row=1, column=2)
    assert (told["grid"], told["cell"], told["total"]) == ([2, 3], [1, 2], 3)
    assert {one["name"] for one in told["sliders"]} == {f"occurrence[{part},1,2]" for part in range(3)}


def test_between_images_lie_their_reconstructions_at_the_ends(able: Page) -> None:
    corners = ["d1", "d2", "d3", "d4"]
    ends = [able.ask("reconstruct", "show", image=one)["again"][0]["image"] for one in corners]
    four = [able.ask("interpolate", "at", images=corners, x=x, y=y)["image"] for y in (0, 1) for x in (0, 1)]
    assert np.allclose([seen(one) for one in four], [seen(one) for one in ends], atol=1)
    strip = able.ask("interpolate", "strip", images=corners[:2])["images"]
    assert len(strip) == 7
    assert np.allclose(seen(strip[3]), seen(able.ask("interpolate", "at", images=corners[:2], x=0.5)["image"]), atol=1)
    assert able.refused("interpolate", "at", images=["d1"])[0] == 400


def test_parts_are_found_listed_and_swapped(able: Page) -> None:
    listed = able.ask("parts", "list", run="three")
    assert listed["grid"] == [2, 3]
    assert len(listed["parts"][0]["crops"]) == 5
    where = np.array(able.ask("parts", "where", run="three", image="d1")["occurrence"])
    assert where.shape == (3, 2, 3)
    assert np.allclose(where[0] + where[1], 1, atol=2e-3)
    assert able.ask("parts", "swap", run="three", image="d1", other="d1", part=0)["change"] == 0
    assert able.ask("parts", "swap", run="three", image="d1", other="d4", part=0)["change"] > 0


def test_an_edit_moves_along_fitted_directions_and_says_how_far_to_trust_it(able: Page) -> None:
    known = able.ask("edit", "attributes")
    assert known["attributes"] == ["dog"]
    assert "fitted after the fact" in known["said"]
    still = able.ask("edit", "move", image="d1", by={})
    assert still["again"] == still["image"]
    told = able.ask("edit", "trust", image="d1", by={"dog": 3})
    before, after, _ = told["rows"][0]["odds"]
    assert after > before
    assert [one["share"] for one in told["strip"]] == [-1, -0.5, 0, 0.5, 1, 1.5]
    assert told["strip"][2]["image"] == still["again"]
    assert told["identity"] > 0
    assert able.ask("edit", "trust", image="d1", by={})["identity"] < 1e-5  # batches of another size round otherwise


def test_what_is_painted_over_is_filled_in_and_all_else_kept(able: Page) -> None:
    told = able.ask("inpaint", "fill", image="d1", hidden=hidden(3))
    after, before = seen(told["image"]), noise_images().pixels[1, :, :, 0]
    assert np.array_equal(after[3:], before[3:])
    assert not np.array_equal(after[:3], before[:3])
    assert told["missing"] == 3 / 8
    assert told == able.ask("inpaint", "fill", image="d1", hidden=hidden(3))
    assert told != able.ask("inpaint", "fill", image="d1", hidden=hidden(3), seed=1)
    assert "all of the image" in able.refused("inpaint", "fill", hidden=hidden(8))[1]
    assert "not of 8 x 6" in able.refused("inpaint", "fill", hidden="AAAA")[1]
    assert "base 64" in able.refused("inpaint", "fill", hidden="?")[1]


def test_an_image_is_described_and_words_are_drawn(able: Page) -> None:
    told = able.ask("captions", "describe", image="d1")
    assert told["words"] == ["dark", "light"]
    first = able.ask("reconstruct", "code", image="d1")["code"]["z"][0]
    assert told["caption"] == ("light" if first > 0 else "dark")
    drawn = able.ask("captions", "imagine", text="Light!", seed=2)
    assert len(drawn["images"]) == 8
    assert all(one["right"] == (one["said"] == "light") for one in drawn["images"])
    assert drawn == able.ask("captions", "imagine", text="light", seed=2)
    assert 'has the word "purple"' in able.refused("captions", "imagine", text="purple")[1]
    assert "has no words" in able.refused("captions", "imagine", text=" ")[1]
    assert "--caption 'it is light'" in able.ask("captions", "command", text="it is light")["command"]
    assert " && latelier caption " in able.ask("captions", "command")["command"]


def test_classes_have_probabilities_and_spread(able: Page) -> None:
    told = able.ask("classify", "show", image="d3")
    assert told["truth"] == "dog"
    assert sum(one["probability"] for one in told["classes"]) == pytest.approx(1)
    assert all(0.5 < one["spread"] < 1.5 for one in told["classes"])
    assert told["temperature"] == 1


def test_what_the_spread_is_over_is_said(able: Page) -> None:
    assert able.ask("classify", "show", image="d3")["of"] == "samples of the code"
    head = {"head": "softmax", "head.unlabelled": "consistent", "head.views": 2, "net.channels": (4,)}
    with page(build("classifier", IMAGE, classes=3, **head)) as opened:
        assert opened.ask("classify", "show", image="d3")["of"] == "changed views of the image"


def test_probabilities_are_calibrated_where_a_temperature_is_kept(
    able: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [one["probability"] for one in able.ask("classify", "show", image="d3")["classes"]]
    run = able.client.app.state.explorer.runs.by_name["one"].run  # type: ignore[attr-defined]
    (tmp_path / "calibration.json").write_text('{"seen": 0, "value": 0.5, "labels": 60, "fingerprint": ""}')
    monkeypatch.setattr(run, "folder", tmp_path)
    told = able.ask("classify", "show", image="d3")
    after = [one["probability"] for one in told["classes"]]
    assert told["temperature"] == 0.5
    squares = [value**2 for value in before]
    assert after == pytest.approx([value / sum(squares) for value in squares], rel=1e-4)


def test_who_asks_too_early_hears_how_far_it_is(able: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = able.client.app.state.explorer.runs.by_name["one"].codes  # type: ignore[attr-defined]
    monkeypatch.setattr(codes, "_rows", None)
    monkeypatch.setattr(codes, "_done", 0.25)
    answer = able.client.post("/api/one/look/near", json={})
    assert (answer.status_code, answer.json()) == (202, {"waiting": 0.25})
