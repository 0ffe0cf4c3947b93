"""A prior fitted after training: what samples come of it, what stays, and what is refused."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch
from commands import Captured, refused, said
from made import folder

import latelier
from latelier.cli import main
from latelier.codes.fitted import Fitted, as_trained, drawn_codes
from latelier.codes.rows import codes
from latelier.core import Samples, has, need
from latelier.data.sources.open import open_images
from latelier.runs.run import open_run

TRAINED = {
    "vae": "--steps 4 --set net=mlp net.widths=8 latent=3",
    "autoencoder": "--steps 4 --set net=mlp net.widths=8 latent=3",
    "rbm": "--set units=4 epochs=1",
    "dcgan": "--steps 2",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each method on `pets`."""
    place = tmp_path_factory.mktemp("made")
    folder(place / "pets", 80, "L", (8, 8))
    for name, settings in TRAINED.items():
        main(shlex.split(f"train {name} --data {place / 'pets'} --out {place / name} --quiet {settings}"))
    return place


@pytest.mark.parametrize("kind", ["gmm", "flow"])
def test_samples_come_of_the_fitted_prior_and_codes_stay(here: Path, capsys: Captured, kind: str) -> None:
    images = open_images("pets")
    before = open_run("autoencoder").model
    assert not has(before, Samples)
    fitted = said(capsys, f"fit-prior autoencoder --kind {kind}")
    assert fitted[0].endswith("fitted to codes of 72 training images")
    assert "nats, and " in fitted[1]
    model = open_run("autoencoder").model
    assert isinstance(model, Fitted)
    assert (codes(model, images) == codes(before, images)).all()
    drawn = need(model, Samples).sample_prior(2000, torch.Generator().manual_seed(0))["z"]
    own = drawn_codes(before, images, torch.Generator().manual_seed(0))
    spread = own.std(0)
    assert ((drawn.mean(0) - own.mean(0)).abs() < 0.35 * spread).all()
    assert ((drawn.std(0) / spread - 1).abs() < 0.4).all()
    again = need(latelier.load("autoencoder"), Samples).sample_prior(2000, torch.Generator().manual_seed(0))["z"]
    assert torch.equal(drawn, again)
    lines = Path("autoencoder/prior.json").read_bytes(), Path("autoencoder/prior.safetensors").read_bytes()
    said(capsys, f"fit-prior autoencoder --kind {kind}")
    assert lines == (Path("autoencoder/prior.json").read_bytes(), Path("autoencoder/prior.safetensors").read_bytes())


def test_verbs_use_it_and_say_so_until_it_is_removed(here: Path, capsys: Captured) -> None:
    assert "a prior" in refused(capsys, "draw autoencoder samples --out s.png")
    main(["fit-prior", "autoencoder"])
    main(shlex.split("draw autoencoder samples --out s.png"))
    assert Path("s.png").stat().st_size > 0
    main(shlex.split("score autoencoder --only prior_gap"))
    (record,) = [one for one in json.loads(Path("autoencoder/scores.json").read_text()) if one["name"] == "prior_gap"]
    assert "The prior is a " in record["protocol"]
    main(["report", "autoencoder"])
    assert "fitted to codes of training images" in Path("autoencoder/report.html").read_text()
    main(shlex.split("encode autoencoder pets --out codes.parquet"))
    main(shlex.split("train --out autoencoder --resume --steps 8 --quiet"))
    capsys.readouterr()
    assert not isinstance(open_run("autoencoder").model, Fitted)  # of weights that are no longer the best
    assert "was fitted after" in capsys.readouterr().err
    assert said(capsys, "fit-prior autoencoder --kind none")[-1] == "autoencoder: the fitted prior is removed"
    assert said(capsys, "fit-prior autoencoder --kind none")[-1] == "autoencoder: there is no fitted prior"
    assert as_trained(open_run("autoencoder").model) is not None
    assert not list(Path("autoencoder").glob("prior*"))


@pytest.mark.parametrize("damage", ["flipped", "foreign", "lost", "note"])
def test_what_is_damaged_is_refused_and_can_be_removed(here: Path, capsys: Captured, damage: str) -> None:
    main(["fit-prior", "vae"])
    tensors, note = Path("vae/prior.safetensors"), Path("vae/prior.json")
    content = bytearray(tensors.read_bytes())
    if damage == "flipped":
        content[-3] ^= 1
        tensors.write_bytes(content)
    elif damage == "foreign":
        shutil.copy(next(Path("autoencoder").glob("weights-*.safetensors")), tensors)
    elif damage == "lost":
        tensors.unlink()
    else:
        note.write_text(note.read_text().replace('"gmm"', '"zzz"'))
    line = refused(capsys, "draw vae samples --out s.png")
    assert "latelier fit-prior" in line
    main(["fit-prior", "vae", "--kind", "none"])
    main(shlex.split("draw vae samples --out s.png"))


def test_tensors_of_another_length_are_refused_with_their_sum_right(here: Path, capsys: Captured) -> None:
    import hashlib

    from latelier.storage import json_records

    main(["fit-prior", "vae"])
    found = safetensors.torch.load_file("vae/prior.safetensors")
    found["share"] = found["share"] * float("nan")
    content = safetensors.torch.save(found)
    Path("vae/prior.safetensors").write_bytes(content)
    note = json.loads(Path("vae/prior.json").read_text())
    note.pop("checksum")
    json_records.write(Path("vae/prior.json"), note | {"sha256": hashlib.sha256(content).hexdigest()})
    assert "holds no prior for this model" in refused(capsys, "draw vae samples --out s.png")


def test_what_cannot_be_fitted_is_one_line(here: Path, capsys: Captured) -> None:
    assert "fit-prior takes a method that knows codes of images, and dcgan does not" in refused(
        capsys, "fit-prior dcgan"
    )
    assert "takes codes of numbers without bounds, but latent" in refused(capsys, "fit-prior rbm")
    assert "no run at nowhere" in refused(capsys, "fit-prior nowhere")
    assert "no run at nowhere" in refused(capsys, "fit-prior nowhere --kind none")
    weights = next(Path("vae").glob("weights-*.safetensors"))
    assert "is a weights file and no run folder" in refused(capsys, f"fit-prior {weights}")
    assert not list(Path("vae").glob("prior*"))


def test_images_that_are_gone_are_named(here: Path, capsys: Captured, made: Path) -> None:
    (made / "pets").rename(made / "elsewhere")
    try:
        shutil.rmtree("pets")
        assert "pets" in refused(capsys, "fit-prior vae")
    finally:
        (made / "elsewhere").rename(made / "pets")
