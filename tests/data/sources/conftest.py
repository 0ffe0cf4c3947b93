from pathlib import Path

import pytest
from made import folder

from latelier.data.images import Images
from latelier.data.sources.open import open_images


@pytest.fixture
def flat(tmp_path: Path) -> Images:
    """000.png to 003.png, of which nothing is known."""
    return open_images(folder(tmp_path / "images", 4), cache=tmp_path / "cache")
