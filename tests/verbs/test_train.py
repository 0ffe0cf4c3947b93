import json
from pathlib import Path
from typing import Any

import pytest

import latelier

SMALL: dict[str, dict[str, Any]] = {
    "vae": {"net": "mlp", "net.widths": (8,), "latent": 2},
    "hali": {"levels": (4, 8), "width": 0.05},
    "dcgan": {"net": "dense", "net.widths": (8,), "latent": 2},
    "classifier": {"net": "mlp", "net.widths": (8,)},
}


@pytest.mark.parametrize(
    ("model", "more", "head"),
    [
        ("vae", {}, {"kind": "softmax", "labelled": 0.5}),
        ("vae", {"head": "none"}, None),
        ("vae", {"head.labelled": 0.25}, {"kind": "softmax", "labelled": 0.25}),
        ("hali", {}, {"kind": "softmax", "labelled": 0.1, "weight": 1.0}),
        ("dcgan", {}, None),  # encodes nothing
        ("classifier", {}, None),  # learns from labels anyway
    ],
)
def test_labels_bring_a_label_head_unless_one_is_named(
    model: str, more: dict[str, Any], head: dict[str, Any] | None, tmp_path: Path
) -> None:
    settings = {**SMALL[model], **more}
    run = latelier.train(
        model,
        data="digits",
        out=tmp_path / "run",
        labels=2,
        images=100,
        epochs=1,
        batch=50,
        settings=settings,
        quiet=True,
    )
    found = json.loads((run / "config.json").read_text())
    assert found["data"]["labelled"] == 20
    kept = found["model"]["head"]
    assert kept is None if head is None else head.items() <= kept.items()
