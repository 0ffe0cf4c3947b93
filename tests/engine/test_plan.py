"""How long a run is, and what it says of that."""

from pathlib import Path
from typing import Any

import pytest

import latelier
from latelier.core import Schedule
from latelier.errors import Refusal
from latelier.runs.run import open_run

LENGTHS = dict.fromkeys(("total", "log_every", "save_every"))
TINY: dict[str, Any] = {
    "settings": ["net=mlp", "net.widths=", "latent=2"],
    "data": "digits",
    "images": 64,
    "quiet": True,
}


@pytest.mark.parametrize(
    ("images", "side", "steps"),
    [(90, 32, 2_000), (900, 64, 2_000), (20_000, 32, 6_250), (1_000_000, 32, 8_000), (900, 8, 8_000)],
    ids=["few", "a folder", "20 epochs", "many", "small ones"],
)
def test_few_images_get_enough_steps_and_many_no_more_than_help(images: int, side: int, steps: int) -> None:
    assert Schedule(steps=2_000).length(images, 64, side * side) == steps


def test_steps_and_epochs_are_one_length_in_two_units(tmp_path: Path) -> None:
    one = latelier.train("vae", out=tmp_path / "steps", steps=6, batch=32, **TINY)
    other = latelier.train("vae", out=tmp_path / "epochs", epochs=3, batch=32, **TINY)
    assert open_run(one).seen == open_run(other).seen == 6 * 32


def test_steps_beside_epochs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="--steps 6 and --epochs 3 both say how long; give one of them"):
        latelier.train("vae", out=tmp_path / "run", steps=6, epochs=3, **TINY)


def test_a_batch_larger_than_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"--batch 1000000000000: its images alone take more than this machine's memory"):
        latelier.train("vae", data="digits", out=tmp_path / "run", batch=10**12, quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("wrong", ["optimiser.rate=0", "optimiser.betas=0.9,1.5"])
def test_an_optimiser_that_takes_no_steps_downwards_is_refused(tmp_path: Path, wrong: str) -> None:
    said = "the optimiser of model takes a rate above 0, betas from 0 to below 1 and a weight_decay of 0 or more, not "
    with pytest.raises(Refusal, match=said):
        latelier.train("vae", out=tmp_path / "run", steps=6, **{**TINY, "settings": [*TINY["settings"], wrong]})
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_may_be_given_a_length_in_the_other_unit(tmp_path: Path) -> None:
    run = latelier.train("vae", out=tmp_path / "run", epochs=1, batch=32, **TINY)
    latelier.train(out=run, resume=True, steps=5, quiet=True)
    assert open_run(run).seen == 5 * 32
    latelier.train(out=run, resume=True, epochs=3, quiet=True)
    assert open_run(run).seen == 6 * 32


def test_a_resumed_run_keeps_what_defaults_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a new version would go on with another model, schedule or precision than the old one began."""
    from latelier.models import vae

    run = latelier.train("vae", out=tmp_path / "run", steps=2, **TINY)
    before = open_run(run)
    monkeypatch.setattr(vae.Config, "__init__", _other_defaults(vae.Config.__init__))
    monkeypatch.setattr(vae.Model, "schedule", Schedule(steps=7, batch=16, decay="cosine"))
    latelier.train(out=run, resume=True, quiet=True, steps=4)
    after = open_run(run)
    assert after.card == before.card
    first, second = ({**opened.config["plan"], **LENGTHS} for opened in (before, after))
    assert first == second


def _other_defaults(init):  # type: ignore[no-untyped-def]
    def changed(self, **values):  # type: ignore[no-untyped-def]
        init(self, **{"latent": 3, **values})

    return changed


def test_what_is_ahead_is_said_at_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    latelier.train("vae", out=tmp_path / "run", steps=6, batch=32, **{**TINY, "quiet": False})
    assert "6 steps of 32 images (3 epochs of 64 images), about " in capsys.readouterr().err


def test_a_length_that_the_run_has_passed_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    run = latelier.train("vae", out=tmp_path / "run", steps=4, batch=32, **TINY)
    before = (run / "config.json").read_text()
    with pytest.raises(Refusal, match="has taken 4 steps, and 2 were asked for; ask for more"):
        latelier.train(out=run, resume=True, steps=2, quiet=True)
    assert (run / "config.json").read_text() == before


@pytest.fixture
def cut_short(tmp_path: Path) -> Path:
    """A run with checkpoints at 2 and 4 steps, the second of which is damaged."""
    run = latelier.train("vae", out=tmp_path / "run", steps=4, batch=32, save_every=1, **TINY)
    (run / "weights-00000128.safetensors").write_bytes(b"")
    return run


def test_what_is_ahead_counts_from_the_checkpoint_that_is_gone_on_from(
    cut_short: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latelier.train(out=cut_short, resume=True, steps=4)
    assert "2 steps of 32 images (1 epoch of 64 images), about " in capsys.readouterr().err


def test_a_length_beyond_the_checkpoint_that_is_gone_on_from_is_not_passed(cut_short: Path) -> None:
    latelier.train(out=cut_short, resume=True, steps=3, quiet=True)
    assert open_run(cut_short).seen == 96
