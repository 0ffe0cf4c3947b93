"""Pages that tests of one module share."""

from collections.abc import Iterator

import pytest
from explore.able import Able
from explore.browser import SHARED, Visitor, served, visiting
from explore.opened import Page, page
from sheets.fakes import Parted, Stacked

IMAGE = (1, 8, 6)


@pytest.fixture(scope="module", autouse=True)
def one_browser() -> Iterator[None]:
    """Ends with the module's last test, so that no other test has its loop."""
    yield
    SHARED.close()


@pytest.fixture(scope="module")
def able() -> Iterator[Page]:
    with page(Able(IMAGE), Stacked(IMAGE), Parted((3, 8, 12))) as opened:
        yield opened


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with served(Able(IMAGE), Stacked(IMAGE), Parted((3, 8, 12))) as address:
        yield address


@pytest.fixture
def visitor(base: str) -> Iterator[Visitor]:
    with visiting(base) as found:
        yield found
