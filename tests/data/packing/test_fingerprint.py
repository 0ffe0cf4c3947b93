"""The fingerprint is what it was when all labels and captions were hashed at once: runs know their images by it."""

import json
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import pytest

from latelier.data.packing import fingerprint as module
from latelier.data.packing.fingerprint import fingerprint
from latelier.data.rows import Absent


def at_once(
    pixels: str,
    label: np.ndarray,
    attribute: np.ndarray,
    captions: Sequence[Sequence[str]],
    classes: Sequence[str],
    attributes: Sequence[str],
) -> str:
    digest = sha256(pixels.encode())
    digest.update(label.tobytes())
    digest.update(attribute.tobytes())
    told = [list(texts) for texts in captions] if any(captions) else []
    digest.update(json.dumps([told, classes, attributes]).encode())
    return digest.hexdigest()[:32]


@pytest.mark.parametrize("columns", [0, 3])
@pytest.mark.parametrize("kind", ["none", "empty", "some", "odd"])
def test_it_is_that_of_all_at_once(kind: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 7)
    monkeypatch.setattr(module, "BLOCK", 4)
    label = np.arange(30) % 3 - 1
    attribute = np.random.default_rng(0).integers(-1, 2, (30, columns)).astype(np.int8)
    captions: dict[str, Sequence[Sequence[str]]] = {
        "none": Absent(30),
        "empty": [()] * 30,
        "some": [(f"{row}",) * (row % 3) for row in range(30)],
        "odd": [[], ['"', "\udce4\xe4", "a, b"], *[[]] * 28],
    }
    told = ("0" * 64, label, attribute, captions[kind], ("a", "\xe4"), tuple("xyz"[:columns]))
    assert fingerprint(*told) == at_once(*told)


def test_an_array_across_memory_is_hashed_as_one_along_it() -> None:
    across = np.arange(12, dtype=np.int8).reshape(3, 4).T % 2
    told = ("1", np.arange(4), across, Absent(4), (), ("a", "b", "c"))
    assert fingerprint(*told) == at_once(*told)
