import pytest
import torch

from latelier import build
from latelier.core import Encodes, need
from latelier.errors import Refusal
from latelier.heads.reading import map_of
from latelier.runs.building import assemble

TOP = {"unpool": "deterministic", "maps": (4, 4, 2), "kernels": (3, 3, 1), "pools": (2, 1), "top": "cells"}


def test_the_code_of_a_deconvolutional_network_is_a_map_if_places_are_read_alike() -> None:
    torch.manual_seed(0)
    model = build("dgdn", (1, 12, 12), **TOP).eval()
    assert map_of(model) == (2, 3, 3)
    image = torch.rand(1, 1, 12, 12)
    other = image.clone()
    other[..., -1, -1] = 1 - other[..., -1, -1]  # the lower right corner
    before, after = (need(model, Encodes).encode(one).mode()["s"].view(map_of(model)) for one in (image, other))
    changed = (before != after).any(0)
    assert changed.nonzero().tolist() == [[2, 2]]


def test_captions_cannot_look_at_the_cells_of_a_code_that_has_none() -> None:
    alone = {**TOP, "top": "maps"}
    assert map_of(build("dgdn", (1, 12, 12), **alone)) == ()
    caption = {"caption": "gru", "caption.look": "cells", "caption.hidden": 8, "caption.embedding": 4}
    words = ("<padding>", "<end>", "<unknown>", "dog")
    with pytest.raises(
        Refusal, match="looks at a code that is a map, as that of vae with net=maps or of dgdn with top=cells; this"
    ):
        assemble("dgdn", (1, 12, 12), (), {**alone, **caption}, words=words)
    assemble("dgdn", (1, 12, 12), (), {**TOP, **caption}, words=words)
