"""Filters, orders, near-duplicates and selections of the gallery, and what is taken along."""

import base64
import csv
import io
import shlex
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from explore.able import Able
from explore.browser import served, visiting
from explore.opened import HERE, Page, TestClient, Untrained, noise_images, place, said
from PIL import Image

from latelier.data.sources.open import open_images
from latelier.explore.app import build_app
from latelier.explore.filters import SURE
from latelier.explore.uploads import Uploads
from latelier.learners.duplicates import closest, pairs
from latelier.slices import done

IMAGE = (1, 8, 6)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """Of images that are files, with captions, an attribute and a formula in a name."""
    images = replace(noise_images(), source=str(tmp_path / "data"), label=np.arange(12) % 2)
    names = [*(f"sub/{i}.png" for i in range(11)), "=1+1.png"]
    for name, pixels in zip(names, images.pixels, strict=True):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[..., 0]).save(tmp_path / "data" / name)
    side = np.array([1, 0, -1] * 4, np.int8)[:, None]
    captions = [["A red bird"] if row % 3 == 0 else [] for row in range(12)]
    images = replace(images, names=names, captions=captions, attributes=("striped",), attribute=side)
    uploads = Uploads()
    opened = place(Able(IMAGE), "one", uploads, images)
    list(opened.codes.slices())
    app = build_app([opened], uploads, labels=tmp_path / "labels" / "labels.csv")
    with TestClient(app, base_url=HERE, follow_redirects=False) as client:
        yield Page(client)


def shown(page: Page, **question: str) -> list[int]:
    return [int(one["id"][1:]) for one in page.ask("look", "page", count=96, **question)["images"]]


def test_images_are_filtered_by_all_that_is_known(page: Page) -> None:
    assert shown(page, label="cat") == [0, 2, 4, 6, 8, 10]
    assert shown(page, attribute="striped") == [0, 3, 6, 9]
    assert shown(page, attribute="striped", value="no", label="dog") == [1, 7]
    assert shown(page, attribute="striped", value="unknown") == [2, 5, 8, 11]
    assert shown(page, words="BIRD red") == [0, 3, 6, 9]
    assert shown(page, words="sub/4") == [4]
    assert shown(page, given="*") == []
    page.ask("label", "give", images=["d3", "d5"], **{"class": "cow"})
    assert shown(page, given="*") == shown(page, given="cow") == [3, 5]
    assert shown(page, guess="cow") == list(range(12))  # the one class that is known


def test_clusters_are_parts_of_all_images(page: Page) -> None:
    clusters = page.ask("look", "filters")["clusters"]
    found = [waited(page, cluster=name) for name in clusters]
    assert sorted(row for rows in found for row in rows) == list(range(12))


def test_the_map_is_coloured_by_what_is_given_here(page: Page) -> None:
    page.ask("label", "give", images=["d3"], **{"class": "dog"})
    values = {
        name: np.frombuffer(page.client.get(f"/api/one/map/values.bin?name={name}").content, np.int32)
        for name in ("given", "guess")
    }
    assert np.flatnonzero(values["given"] >= 0).tolist() == [3]
    assert set(values["guess"].tolist()) == {values["given"][3]}


def test_what_is_not_there_is_said(page: Page) -> None:
    for field, value in {"label": "cow", "attribute": "spotted", "order": "size", "selection": "s0"}.items():
        status, sentence = page.refused("look", "page", **{field: value})
        assert (status, "\n" in sentence) == (400, False)
    assert 'no class "cow" here; there are: cat, dog' in page.refused("look", "page", label="cow")[1]


def test_images_are_filtered_by_how_sure_the_model_is(page: Page) -> None:
    order = waited(page, order="unsure")
    parts = [shown(page, confidence=name) for name in page.ask("look", "filters")["confidences"]]
    values = np.frombuffer(page.client.get("/api/one/map/values.bin?name=confidence").content, np.float32)
    assert sorted(row for rows in parts for row in rows) == sorted(order)
    assert parts == [[row for row in range(12) if low <= values[row] < high] for low, high in SURE.values()]
    assert page.refused("look", "page", confidence="9")[0] == 400


def test_the_worst_reconstructed_come_first(page: Page) -> None:
    order = waited(page, order="error")
    errors = []
    for row in order:
        answer = page.ask("reconstruct", "show", image=f"d{row}")
        original, again = (seen(answer[name]) for name in ("original", "again"))
        errors.append(np.square(original - again).mean())
    assert sorted(order) == list(range(12))
    assert all(first >= second - 2e-3 for first, second in pairwise(errors))


def waited(page: Page, **question: str) -> list[int]:
    """Once the column that it needs is there."""
    for _ in range(200):
        status, answer = said(page.client.post("/api/one/look/page", json={"count": 96, **question}))
        if status == 200 and "waiting" not in answer:
            return [int(one["id"][1:]) for one in answer["images"]]
    raise AssertionError(answer)


def seen(found: object) -> np.ndarray:
    address = found[0]["image"] if isinstance(found, list) else str(found)
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)), float) / 255


def test_a_selection_is_of_bits_or_of_filters(page: Page) -> None:
    bits = base64.b64encode(np.packbits(np.isin(np.arange(12), [1, 11])).tobytes()).decode()
    chosen = page.ask("look", "select", bits=bits)
    assert chosen["count"] == 2
    assert shown(page, selection=chosen["selection"]) == [1, 11]
    assert shown(page, selection=chosen["selection"], attribute="striped", value="no") == [1]
    assert page.ask("look", "select", label="cat")["count"] == 6
    answer = page.client.get(f"/api/one/look/rows.bin?selection={chosen['selection']}")
    assert np.frombuffer(answer.content, np.int32).tolist() == [1, 11]
    for wrong in ("AA==", "!", "A" * 999):
        assert page.refused("look", "select", bits=wrong)[0] == 400


def test_a_selection_is_labelled_at_once(page: Page) -> None:
    chosen = page.ask("look", "select", words="bird")["selection"]
    assert page.ask("label", "give", selection=chosen, tab="me", **{"class": "bird"})["changed"] == 4
    queue = page.ask("label", "queue", kind="selection", selection=page.ask("look", "select", label="cat")["selection"])
    assert [one["id"] for one in queue["images"]] == ["d2", "d4", "d8", "d10"]
    assert page.ask("label", "undo", tab="me")["images"] == ["d0", "d3", "d6", "d9"]


def test_a_table_of_a_selection_has_no_formula(page: Page) -> None:
    page.ask("label", "give", images=["d11"], **{"class": "+cow"})
    chosen = page.ask("look", "select", given="*")["selection"]
    rows = list(csv.reader(io.StringIO(page.ask("look", "table", selection=chosen)["csv"])))
    assert rows == [["file", "label", "given", "guess"], ["'=1+1.png", "dog", "'+cow", "'+cow"]]


def test_a_selection_is_a_folder_of_copies_or_links(page: Page, tmp_path: Path) -> None:
    chosen = page.ask("look", "select", label="dog", attribute="striped", value="no")["selection"]
    for how in ("copies", "links"):
        made = page.ask("look", "folder", selection=chosen, how=how)
        found = sorted(Path(made["folder"]).rglob("*.png"))
        assert [str(path.relative_to(made["folder"])) for path in found] == ["sub/1.png", "sub/7.png"]
        assert [path.is_symlink() for path in found] == [how == "links"] * 2
        assert found[0].read_bytes() == (tmp_path / "data/sub/1.png").read_bytes()
        assert Path(made["folder"]).parent == tmp_path / "labels"
        assert made["command"] == f"latelier train --data {made['folder']} --out nowhere/one-selected"
        images = open_images(made["folder"], cache=tmp_path / "cache")  # is trained on as it is
        assert (list(images.names), images.classes) == (["sub/1.png", "sub/7.png"], ("dog",))
    page.ask("label", "give", images=["d7"], **{"class": "=wolf"})
    made = page.ask("look", "folder", selection=chosen, how="links")
    assert open_images(made["folder"], cache=tmp_path / "cache").label.tolist() == [-1, 0]
    assert (Path(made["folder"]) / "labels.csv").read_text() == "file,label\nsub/7.png,'=wolf\n"
    assert (Path(made["folder"]) / "attributes.csv").read_text() == "file,striped\nsub/1.png,0\nsub/7.png,0\n"
    page.ask("label", "mark", images=["d7"], attribute="striped")
    page.ask("label", "mark", images=["d1"], attribute="striped", value="yes")
    made = page.ask("look", "folder", selection=chosen, how="links")
    lines = (Path(made["folder"]) / "attributes.csv").read_text().splitlines()
    assert lines == ["file,striped", "sub/1.png,1", "sub/7.png,0"]  # as the page says, else as the data do
    assert page.refused("look", "folder", selection=chosen, how="../..")[0] == 400


def test_what_is_no_longer_known_is_no_longer_in_a_selections_folder(page: Page) -> None:
    chosen = page.ask("look", "select", words="=1+1")["selection"]
    folder = Path(page.ask("look", "folder", selection=chosen)["folder"])
    assert (folder / "labels.csv").is_file()
    page.client.app.state.explorer.runs.by_name["one"].shown.label[11] = -1  # type: ignore[attr-defined]
    page.ask("look", "folder", selection=chosen)
    assert [path.name for path in folder.iterdir()] == ["=1+1.png"]


def test_a_selection_is_trained_on(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latelier.explore.jobs.Job", Untrained)
    run = page.client.app.state.explorer.runs.by_name["one"].run  # type: ignore[attr-defined]
    run.config["request"] = {"data": str(tmp_path / "data"), "size": 8, "channels": 1}
    chosen = page.ask("look", "select", label="dog", attribute="striped", value="no")["selection"]
    answer = page.ask("label", "train_selected", selection=chosen, method="vae", steps=30)
    folder = tmp_path / "labels" / f"selection-{chosen}-links"
    assert answer["state"] == "running"
    words = f"train vae --data {folder} --out nowhere/one-selected --size 8 --channels 1 --steps 30"
    jobs = page.client.app.state.explorer.runs.jobs  # type: ignore[attr-defined]
    assert shlex.join(jobs.last.words) == words
    assert open_images(str(folder), cache=tmp_path / "cache").attributes == ("striped",)
    status, sentence = page.refused("label", "train_selected", selection=chosen)
    assert (status, sentence.startswith("a training runs already")) == (400, True)
    nothing = page.ask("look", "select", words="of nothing")["selection"]
    assert "nothing is selected" in page.refused("label", "train_selected", selection=nothing)[1]


def test_labels_that_nobody_gave_are_not_offered_to_filter_by(page: Page) -> None:
    assert page.ask("look", "filters")["given"] == []
    page.ask("label", "give", images=["d3"], **{"class": "cow"})
    assert page.ask("look", "filters")["given"] == ["cat", "dog", "cow"]


def test_images_that_are_no_files_are_written_as_the_model_sees_them() -> None:
    with TemporaryDirectory() as folder:
        uploads = Uploads()
        images = noise_images()
        images = replace(images, names=["../../etc/passwd", *images.names[1:]])
        opened = place(Able(IMAGE), "one", uploads, images)
        app = build_app([opened], uploads, labels=Path(folder) / "in" / "labels.csv")
        with TestClient(app, base_url=HERE, follow_redirects=False) as client:
            desk = Page(client)
            chosen = desk.ask("look", "select", words="etc")["selection"]
            made = Path(desk.ask("look", "folder", selection=chosen)["folder"])
        assert [str(path.relative_to(folder)) for path in Path(folder).rglob("*.png")] == [
            str((made / "etc" / "passwd.png").relative_to(folder))
        ]


def test_images_are_found_by_what_the_model_would_write(page: Page) -> None:
    words = page.ask("captions", "describe", image="d0")["words"]
    found = page.ask("look", "captioned", text=words[0], count=12)["images"]
    assert sorted(one["id"] for one in found) == sorted(f"d{row}" for row in range(12))
    odds = [one["log_probability"] for one in found]
    assert odds == sorted(odds, reverse=True)
    assert page.refused("look", "captioned", text="unheard-of")[0] == 400


def test_pairs_are_the_nearest_and_each_once() -> None:
    codes = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    codes[7] = codes[100]
    codes[250] = codes[20] + 1e-3
    near, distance = done(closest(codes))
    away = np.linalg.norm(codes[:, None] - codes[None], axis=2)
    np.fill_diagonal(away, np.inf)
    assert near.tolist() == away.argmin(1).tolist()
    np.testing.assert_allclose(distance, away.min(1) / np.median(away.min(1)), rtol=1e-4, atol=1e-6)
    found = pairs(near, distance, 0.1)
    assert [(low, high) for low, high, _ in found] == [(7, 100), (20, 250)]
    assert found[0][2] == 0
    assert len({pair[:2] for pair in pairs(near, distance, 5.0)}) == len(pairs(near, distance, 5.0))
    for few in (1, 2):
        near, distance = done(closest(codes[:few]))
        assert (len(near), len(pairs(near, distance, 0.5))) == (few, 0)


@pytest.mark.slow
def test_what_is_drawn_around_on_the_map_is_labelled() -> None:
    with served(Able(IMAGE)) as base, visiting(base) as visitor:
        visitor.go("panel=map")
        visitor.until("document.querySelector('.plane') !== null && document.querySelector('.legend') !== null")
        visitor.page.wait_for_timeout(500)
        box = visitor.page.locator(".plane").bounding_box()
        corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.02)]
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
        visitor.page.mouse.move(*at[0])
        visitor.page.mouse.down()
        for x, y in at[1:]:
            visitor.page.mouse.move(x, y, steps=5)
        visitor.page.mouse.up()
        visitor.until("/12 images are selected/.test(document.body.innerText)")
        visitor.page.locator(".chosen").get_by_role("button", name="Label").click()
        visitor.page.get_by_role("button", name="All selected images are cat").click()
        visitor.until("/12 of 12 images have a class/.test(document.body.innerText)")
        visitor.page.keyboard.press("z")
        visitor.until("/11 of 12 images have a class/.test(document.body.innerText)")
