"""The Label panel in a real browser: by keys, quickly, and where the server does not answer."""

from collections.abc import Iterator

import pytest
from explore.able import Able
from explore.browser import PATIENCE, Visitor, served, visiting
from explore.opened import Untrained

IMAGE = (1, 8, 6)


@pytest.fixture
def labelling() -> Iterator[Visitor]:
    """At the panel, of whose images none has a label."""
    with served(Able(IMAGE)) as base, visiting(base) as visitor:
        visitor.go("panel=label")
        clear(visitor)
        yield visitor


def clear(visitor: Visitor) -> None:
    """Takes the labels away that the data has."""
    visitor.page.wait_for_selector(".queue .thumb", timeout=PATIENCE)
    visitor.page.evaluate(
        """() => fetch("/api/one/label/give", { method: "POST", headers: { "content-type": "application/json" },
        body: JSON.stringify({ images: [...Array(12).keys()].map((row) => `d${row}`), tab: "setup" }) })"""
    )
    visitor.page.get_by_role("button", name="Next images", exact=True).click()
    visitor.until("document.querySelectorAll('.queue .thumb').length === 12")
    visitor.until("/ 0 of 12 images|^0 of 12/m.test(document.body.innerText)")


def test_keys_label_one_image_after_another(labelling: Visitor) -> None:
    for key in "1212":
        labelling.page.keyboard.press(key)
    labelling.until("document.querySelectorAll('.queue .done').length === 4")
    labelling.until("/4 of 12 images/.test(document.body.innerText)")
    labelling.page.keyboard.press("z")
    labelling.until("/3 of 12 images/.test(document.body.innerText)")
    labelling.page.keyboard.press("Shift+ArrowRight")
    labelling.page.keyboard.press("2")
    labelling.until("/5 of 12 images/.test(document.body.innerText)")
    labelling.until("document.querySelector('.curve, .side').innerText.length > 0")


def test_keys_mark_an_attribute(labelling: Visitor) -> None:
    page = labelling.page
    page.get_by_text("Attributes", exact=True).click()
    page.get_by_label("New attribute").fill("bright")
    page.keyboard.press("Enter")  # has it the image that is looked at
    labelling.until("/bright 1 yes, 0 no/.test(document.body.innerText)")
    page.get_by_role("button", name="Y, N and U mark bright").click()
    for key in "yn":
        page.keyboard.press(key)
    labelling.until("/bright 1 yes, 1 no/.test(document.body.innerText)")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("u")
    labelling.until("/bright 1 yes, 0 no/.test(document.body.innerText)")
    labelling.until("/^0 of 12/m.test(document.body.innerText)")  # no class was given


def test_a_selection_is_trained_on_and_the_training_cancelled(
    labelling: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latelier.explore.jobs.Job", Untrained)
    page = labelling.page
    labelling.go("panel=look")
    page.get_by_role("button", name="Select all 12").click()
    page.get_by_role("button", name="Train on these").click()
    page.get_by_role("button", name="Train on the selected images").click()
    page.wait_for_selector("text=Training, 50 % done, into nowhere/one-selected")
    page.reload()  # in the middle of it
    page.wait_for_selector("text=Training, 50 % done, into nowhere/one-selected")
    assert page.get_by_role("button", name="Train on the selected images").is_disabled()
    cancel = page.get_by_role("button", name="Cancel", exact=True)
    cancel.focus()
    page.wait_for_timeout(2500)  # while it is asked how far the training is
    assert page.evaluate("document.activeElement.textContent") == "Cancel"
    cancel.click()
    page.wait_for_selector("text=Cancelled before there was anything to keep")
    page.wait_for_selector("button:not([disabled]):text('Train on the selected images')")


@pytest.mark.slow
def test_labels_that_are_given_quickly_survive_that_the_page_is_left(labelling: Visitor) -> None:
    for key in "12121212":
        labelling.page.keyboard.press(key)
    labelling.page.reload()
    labelling.page.wait_for_selector(".queue", timeout=PATIENCE)
    labelling.until("/ 8 of 12 images|^8 of 12/m.test(document.body.innerText)")
    labelling.page.keyboard.press("z")  # the tab is the same
    labelling.until("/ 7 of 12 images|^7 of 12/m.test(document.body.innerText)")


@pytest.mark.slow
def test_what_could_not_be_written_is_not_shown_as_given(labelling: Visitor) -> None:
    labelling.page.route("**/label/give", lambda route: route.abort())
    for key in "121":
        labelling.page.keyboard.press(key)
    labelling.until("!document.querySelector('[role=alert]').hidden")
    labelling.until("document.querySelectorAll('.queue .done').length === 0")
    labelling.complaints.clear()  # the browser notes the failures
    labelling.page.unroute("**/label/give")
    labelling.page.keyboard.press("1")
    labelling.until("/ 1 of 12 images|^1 of 12/m.test(document.body.innerText)")
    labelling.until("document.querySelector('[role=alert]').hidden")
