import pytest
import torch
from sheets.fakes import Parted, view
from sheets.found import places
from torch import Tensor

import latelier
from latelier.errors import Refusal
from latelier.sheets.parts import dimmed
from latelier.sheets.swap import draw
from latelier.sheets.view import pixels

N, D, PART = 5, 4, 2


@pytest.fixture
def model():
    """An untrained patchvae for images that are not square."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return latelier.build("patchvae", image=(3, 16, 24), parts=N, appearance=D)


@pytest.fixture
def code(model):
    """Of three images; every part occurs somewhere in each."""
    found = model.encode(torch.rand(3, 3, 16, 24, generator=torch.Generator().manual_seed(1))).mode()
    return found | {"occurrence": torch.eye(6)[:N].view(1, N, 2, 3).repeat(3, 1, 1, 1)}


def test_a_part_swapped_with_itself_changes_nothing(model, code):
    again = model.repainted(code, code, PART, PART)
    assert all(torch.equal(again[name], code[name]) for name in code)
    assert torch.equal(model.decode(again), model.decode(code))  # facts 1.6, oracle 11


def test_only_the_channels_of_the_part_change_and_only_where_it_occurs(model, code):
    seen: list[Tensor] = []
    model.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].unflatten(1, (N, D))))
    source = {name: value.roll(1, 0) for name, value in code.items()}
    before, after = model.decode(code), model.decode(model.repainted(code, source, PART, PART))
    changed = seen[0] != seen[1]  # [b, N, D, h, w]
    assert changed[:, PART, :, 0, 2].all()  # part 2 occurs in cell (0, 2)
    changed[:, PART, :, 0, 2] = False
    assert not changed.any()
    assert not torch.equal(before, after)


def test_another_part_of_one_source_for_all(model, code):
    source = {name: value[:1] for name, value in code.items()}
    after = model.repainted(code, source, PART, by=4)
    assert torch.equal(after["appearance"][:, PART], code["appearance"][0, 4].expand(3, -1))
    assert torch.equal(after["occurrence"], code["occurrence"])
    assert not torch.equal(code["appearance"], after["appearance"])  # the codes given are left as they were


def levels(*values: float) -> Tensor:
    """Flat images [n, 3, 16, 24] of those levels, alike in no pixel."""
    noise = torch.rand(len(values), 3, 16, 24, generator=torch.Generator().manual_seed(0))
    return torch.tensor(values).view(-1, 1, 1, 1) + 0.02 * noise


def test_the_image_of_the_highest_peak_is_the_target_and_the_next_are_sources():
    fake, image = Parted((3, 16, 24)), levels(0.6, 0.9, 0.2, 0.8, 0.7, 0.55)
    sheet = draw(view(fake, n=6)._replace(image=image))
    assert len(fake.decoded) == 5  # before, after and one a source; darkness occurs in one image alone
    before, after, *others = fake.decoded
    appearance = fake.parts(image).appearance
    assert torch.equal(before["appearance"], appearance[[1, 1, 1]])
    assert torch.equal(after["appearance"][:, 0], appearance[[3, 4, 0], 0])
    assert torch.equal(after["appearance"][:, 1:], before["appearance"][:, 1:])
    assert torch.equal(after["occurrence"], before["occurrence"])
    for row, one in zip((3, 4, 0), others, strict=True):  # by the source's other part
        assert torch.equal(one["appearance"][0, 0], appearance[row, 1])
        assert torch.equal(one["appearance"][0, 1:], before["appearance"][0, 1:])

    shown = pixels(dimmed(image, fake.parts(image).occurrence[:, 0]))
    sources, targets = [places(sheet, shown[i]) for i in (3, 4, 0)], places(sheet, shown[1])
    assert [len(found) for found in sources] == [1, 1, 1]
    assert [found[0][0] for found in sources] == [y for y, _ in targets]  # side by side, in three rows
    assert all(found[0][1] < x for found, (_, x) in zip(sources, targets, strict=True))


def test_a_part_that_occurs_in_one_image_alone_cannot_be_swapped():
    with pytest.raises(Refusal, match=r"in these 1 no part exceeds 0\.5 in more than one"):
        draw(view(Parted((3, 16, 24)), n=1)._replace(image=levels(0.8)))
