"""Who is let in, and what an answer may do in a browser."""

from collections.abc import Iterator

import pytest
from explore.opened import HERE, Page, page
from sheets.fakes import Fake

from latelier.explore.guard import BODY

IMAGE = (1, 8, 6)


@pytest.fixture(scope="module")
def open_page() -> Iterator[Page]:
    with page(Fake(IMAGE), hosts=("127.0.0.1", "localhost", "[::1]")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("host", "127.0.0.1:8765", 200),
        ("host", "localhost", 200),
        ("host", "[::1]:8765", 200),
        ("host", "evil.example", 403),
        ("host", "127.0.0.1.evil.example", 403),
        ("host", "127.0.0.1:x", 403),
        ("host", "", 403),
        ("origin", HERE, 200),
        ("origin", "http://evil.example", 403),
        ("origin", "https://127.0.0.1:8765", 403),
        ("origin", "http://127.0.0.1:9999", 403),  # another page of this machine
        ("origin", "null", 403),
        ("origin", "http://[", 403),
        ("sec-fetch-site", "same-origin", 200),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
    ],
)
def test_only_its_own_pages_are_answered(open_page: Page, name: str, value: str, status: int) -> None:
    for path in ("/", "/api/site", "/api/one/image/d0.png"):
        answer = open_page.client.get(path, headers={name: value})
        assert answer.status_code == status, path
    answer = open_page.client.post("/api/one/look/page", json={}, headers={name: value})
    assert answer.status_code == status
    assert ("error" in answer.json()) == (status == 403)


def test_a_link_from_elsewhere_opens_the_page(open_page: Page) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert open_page.client.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/api/site", "/api/one/image/d0.png", "/nothing"])
def test_every_answer_forbids_what_comes_from_elsewhere(open_page: Page, path: str) -> None:
    headers = open_page.client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_the_page_keeps_its_own_policy(open_page: Page) -> None:
    """Nothing inline, nothing from outside: a browser would refuse it."""
    text = open_page.client.get("/").text
    assert "<script>" not in text
    assert " style=" not in text
    assert "http" not in text
    assert " on" not in text.replace(" on ", "")


def test_a_body_may_be_ten_megabytes(open_page: Page) -> None:
    headers = {"content-type": "application/octet-stream"}
    answer = open_page.client.post("/api/upload", content=b"0" * (BODY + 1), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (
        413,
        "this file is longer than 10 MB, which is the most: make it smaller",
    )
    parts = (b"0" * (1 << 20) for _ in range(11))  # without a length in its head
    assert open_page.client.post("/api/upload", content=parts, headers=headers).status_code == 413
    assert open_page.client.post("/api/one/look/page", content=b'"' * (2 << 20)).status_code in (413, 415)
    assert open_page.client.get("/api/site").status_code == 200  # and the server lives on


def test_another_machine_needs_the_token_once() -> None:
    with page(Fake(IMAGE), hosts=("127.0.0.1",), token="secret") as opened:
        client = opened.client
        for path in ("/", "/static/main.js", "/api/site", "/?token=wrong", "/?token=", "/?token=s%C3%A9cret"):
            assert client.get(path).status_code == 403, path
        assert client.post("/api/one/look/page", json={}).status_code == 403
        client.cookies.set("latelier-8765", "wrong")
        assert client.get("/").status_code == 403
        client.cookies.clear()
        greeted = client.get("/?token=secret")
        assert (greeted.status_code, greeted.headers["location"]) == (303, "/")
        assert {"HttpOnly", "SameSite=strict"} <= set(greeted.headers["set-cookie"].split("; "))
        assert client.get("/api/site").status_code == 200


def test_every_port_has_a_cookie_of_its_own() -> None:
    """Browsers send a host's cookies to all of its ports: two pages put each other out."""
    with page(Fake(IMAGE), hosts=("127.0.0.1",), token="one") as opened:
        opened.client.get("/?token=one")
        opened.client.cookies.set("latelier-9999", "of another page")
        assert list(opened.client.cookies) == ["latelier-8765", "latelier-9999"]
        assert opened.client.get("/api/site").status_code == 200


def test_who_opens_a_wrong_address_reads_a_page() -> None:
    with page(Fake(IMAGE), hosts=("127.0.0.1",), token="secret") as opened:
        for path, said in (("/?token=wrong", "not this explorer&#x27;s"), ("/", "asks for a token")):
            answer = opened.client.get(path, headers={"accept": "text/html,*/*"})
            assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
            assert said in answer.text
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "wrong" not in answer.text
        assert "error" in opened.client.get("/api/site").json()
