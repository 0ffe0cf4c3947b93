"""What is wrong gets a sentence, leads nowhere, and does not end the server."""

import json
from typing import Any

import pytest
import torch
from explore.opened import Page, page
from sheets.fakes import Fake

from latelier.core import Code, Latent


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/nothing.js",
        "/api/one/image/..%2f..%2fetc%2fpasswd.png",
        "/api/one/image/d-1.png",
        "/api/one/image/d99.png",
        "/api/one/image/d0%00.png",
        "/api/..%2fone/image/d0.png",
        "/api/nobody/image/d0.png",
    ],
)
def test_ids_lead_nowhere_else(able: Page, path: str) -> None:
    answer = able.client.get(path)
    assert answer.status_code in (404, 405)
    assert b"latelier.core" not in answer.content
    assert b"root:" not in answer.content


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"no json", "a question is JSON"),
        (b"[]", "a request is a JSON object"),
        (b"[" * 100_000, "a question is JSON"),
        (b'{"moves": {"z:99": 1}}', 'has no number "z:99"'),
        (b'{"moves": {"z:0": "far"}}', "takes a number"),
        (b'{"moves": {"z:0": NaN}}', "takes a number"),
        (b'{"moves": {"z:0": 1e9}}', "takes a number"),
        (b'{"moves": [1]}', "numbers by name"),
        (b'{"seed": 0.5}', "a whole number"),
        (b'{"seed": -1}', "takes a number from 0"),
        (b'{"image": 3}', "takes a text"),
        (b'{"image": "u0123456789ab"}', "drop the file on the page again"),
    ],
)
def test_a_question_that_is_wrong_gets_a_sentence(able: Page, body: bytes, said: str) -> None:
    answer = able.client.post("/api/one/traverse/move", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_a_question_in_a_form_that_any_page_may_send_is_not_heard(able: Page) -> None:
    answer = able.client.post("/api/one/traverse/move", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415


def test_a_failure_is_said_and_the_server_lives_on(able: Page, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def broken(self: Fake, code: Code) -> torch.Tensor:
        raise RuntimeError("the disk has melted")

    with monkeypatch.context() as patched:
        patched.setattr(Fake, "decode", broken)
        status, said = able.refused("traverse", "move")
    assert (status, said) == (500, "this failed here (RuntimeError); the terminal says more")
    assert "the disk has melted" in capsys.readouterr().err
    assert able.ask("traverse", "move")["image"].startswith("data:image/png")


def test_what_is_kept_is_bounded(able: Page) -> None:
    place = able.client.app.state.explorer.runs.by_name["one"]  # type: ignore[attr-defined]
    for seed in range(200):
        able.ask("traverse", "move", seed=seed)
    assert len(place._kept) <= 64


def test_images_of_other_sizes_are_no_surprise() -> None:
    with page(Fake((1, 1, 2), {"h": Latent((2,), "bernoulli"), "u": Latent((1,), "uniform")})) as opened:
        told = opened.ask("traverse", "sliders")
        assert {one["name"].partition("[")[0] for one in told["sliders"]} == {"h"}
        assert json.dumps(opened.ask("map", "about"))
