"""The map: every image's place by each way, and what it is coloured by, as bytes."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from explore.able import Able
from explore.opened import Page, page, places_of

from latelier.explore import embedding
from latelier.explore.codes import Codes, WaitingError
from latelier.explore.embedding import Embedding

IMAGE = (1, 8, 6)


def table(page: Page, which: str, **query: str) -> np.ndarray:
    answer = page.client.get(f"/api/one/map/{which}.bin", params=query)
    assert answer.status_code == 200, answer.text
    kind, *shape = answer.headers["x-table"].split()
    return np.frombuffer(answer.content, np.dtype(kind).newbyteorder("<")).reshape([int(one) for one in shape])


def patiently(page: Page, action: str, **question: Any) -> dict[str, Any]:
    """The answer, once it is no longer waited for."""
    for _ in range(600):
        answer = page.client.post(f"/api/one/map/{action}", json=question)
        if answer.status_code != 202:
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found
        time.sleep(0.1)
    raise AssertionError(f"never answered: {action}")


class Made:
    """Codes that are there."""

    def __init__(self, rows: np.ndarray):
        self.made = rows

    def rows(self) -> np.ndarray:
        return self.made

    def file(self, kind: str) -> None:
        return None


def found(one: Embedding, way: str) -> np.ndarray:
    for _ in range(600):
        try:
            return one.placed(way).place
        except WaitingError:
            time.sleep(0.05)
    raise AssertionError("never placed")


def groups(n: int = 60) -> np.ndarray:
    """Two groups far apart in six dimensions."""
    rows = np.random.default_rng(0).normal(size=(n, 6)).astype(np.float32)
    rows[: n // 2] += 12
    return rows


@pytest.fixture(scope="module")
def able() -> Iterator[Page]:
    with page(Able(IMAGE)) as opened:
        yield opened


def test_every_image_has_a_place_and_its_row(able: Page) -> None:
    told = able.ask("map", "about")
    assert (told["count"], told["said"]) == (12, "codes of all 12 images")
    assert patiently(able, "way", way="pca")["said"].startswith("two principal components of 5, ")
    place = table(able, "place", way="pca")
    assert (place.dtype, place.shape, np.abs(place).max()) == (np.float32, (12, 2), 1)
    assert table(able, "rows").tolist() == list(range(12))


def test_colours_are_values_of_the_images(able: Page) -> None:
    names = {one["name"]: one for one in able.ask("map", "about")["columns"]}
    assert {"label", "cluster", "prediction", "confidence", "wrong", "error", "outlier", "latent:z:4"} <= set(names)
    assert names["label"]["classes"] == ["cat", "dog"]
    assert table(able, "values", name="label").tolist() == [*[0, 1] * 5, 0, -1]
    for name in ("prediction", "wrong", "error", "outlier", "cluster", "latent:z:4"):
        told = patiently(able, "column", name=name)
        values = table(able, "values", name=name)
        assert values.shape == (12,)
        known = values if told["kind"] == "number" else values[values >= 0]
        assert (told["low"], told["high"]) == (known.min(), known.max())


def test_a_column_or_way_that_is_not_there_is_said(able: Page) -> None:
    assert able.refused("map", "column", name="latent:z:5") == (
        400,
        'there is no column "latent:z:5" here; reload the page',
    )
    assert "no way" in able.refused("map", "way", way="umap")[1]
    assert able.client.get("/api/one/map/secrets.bin").status_code == 404
    assert able.client.get("/api/one/look/place.bin").status_code == 404
    assert able.client.get("/api/one/map/values.bin", params={"name": "<b>"}).status_code == 400
    assert able.client.post("/api/one/map/rows.bin").status_code in (404, 405, 415)


def test_neighbourhoods_keep_groups_apart() -> None:
    pytest.importorskip("openTSNE")
    place = found(Embedding(Made(groups())), "tsne")  # type: ignore[arg-type]
    assert np.abs(place).max() == 1
    between = np.linalg.norm(place[:30].mean(0) - place[30:].mean(0))
    assert between > 2 * max(place[:30].std(0).max(), place[30:].std(0).max())


def test_a_place_is_found_once_and_kept_beside_the_codes(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openTSNE")
    places, _ = places_of(Able(IMAGE))
    codes = Codes(places[0].model, places[0].shown, tmp_path)
    list(codes.slices())
    first = found(Embedding(codes), "tsne")
    assert sorted(one.name.partition("-")[0] for one in (tmp_path / "explore").iterdir()) == ["codes", "tsne"]
    monkeypatch.setattr(embedding, "_process", None)  # is not begun again
    assert np.array_equal(found(Embedding(codes), "tsne"), first)


def test_a_place_that_is_under_way_is_stopped() -> None:
    pytest.importorskip("openTSNE")
    one = Embedding(Made(np.random.default_rng(0).normal(size=(20_000, 8)).astype(np.float32)))  # type: ignore[arg-type]
    with pytest.raises(WaitingError):
        one.placed("tsne")
    job = one._jobs["tsne"]
    one.stop("tsne")
    job.thread.join(30)
    assert not job.thread.is_alive()
    assert job.found is None
    assert "tsne" not in one._jobs


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "find_spec", lambda name: None)
    one = Embedding(Made(groups()))  # type: ignore[arg-type]
    assert "pip install" in one.ways()[1]["missing"]
    with pytest.raises(Exception, match="openTSNE"):
        found(one, "tsne")


def test_too_few_for_a_neighbourhood_is_said() -> None:
    pytest.importorskip("openTSNE")
    with pytest.raises(Exception, match="8 images at least, and there are 5"):
        found(Embedding(Made(groups(5))), "tsne")  # type: ignore[arg-type]
