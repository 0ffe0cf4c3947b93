"""The sheet samples of a model that draws a class that is asked for."""

import torch

from latelier.runs.building import assemble
from latelier.sheets import samples
from latelier.sheets.view import View


def test_each_row_is_of_the_next_class() -> None:
    torch.manual_seed(0)
    model, _ = assemble("m2", (1, 8, 8), ("a", "b", "c"), {"net": "mlp", "net.widths": (8,), "latent": 2})
    model.eval()
    image = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    view = View(model, image, [str(i) for i in range(8)], [""] * 8, [], "m2", torch.Generator().manual_seed(0))
    asked: list[int] = []
    draw = model.sample_class

    def noted(label: torch.Tensor, generator: torch.Generator) -> dict[str, torch.Tensor]:
        asked.extend(label.tolist())
        return draw(label, generator)

    model.sample_class = noted
    with torch.no_grad():
        drawn, how = samples.plain(view, 8, 2)
    assert asked == [0, 0, 1, 1, 2, 2, 0, 0]
    assert drawn.shape == image.shape
    assert "each row's the next" in how
