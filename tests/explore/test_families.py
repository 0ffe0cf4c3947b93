"""Every panel of a tiny trained run of each family, opened in a real browser."""

from pathlib import Path

import pytest
from explore.browser import serving, visiting

from latelier.cli import main
from latelier.explore.app import build_app
from latelier.explore.open_runs import open_runs
from latelier.explore.panels import possible
from latelier.explore.uploads import Uploads
from latelier.runs.where import Where

pytestmark = pytest.mark.slow
FAMILIES = {
    "captioned": "vae --data scenes --images 64 --set net=mlp net.widths=16 latent=4 caption=gru",
    "vae": "vae --data digits --images 128 --set net=mlp net.widths=16 latent=4 head=softmax",
    "pca": "pca --data digits --set latent=4",
    "dcgan": "dcgan --data digits --images 128 --set latent=4 net.channels=4",
    "hali": "hali --data digits --images 128 --set levels=8,16 net.channels=4 net.hidden=16",
    "dgdn": "dgdn --data digits --images 128 --set maps=8,10 kernels=5,2 pools=2",
    "patchvae": "patchvae --data scenes --images 64 --set parts=4 appearance=3",
    "spritevae": "spritevae --data scenes --images 64 --set parts=4 channels=8",
    "introvac": "introvac --data scenes --images 64 --set width=0.125 latent=8",
}
DRAWS = {  # what is on a panel once it has its answer
    "start": ".cards .card",
    "look": ".gallery .thumb",
    "label": ".queue .thumb",
    "reconstruct": "figure img[src^='data:']",
    "traverse": ".big img[src^='data:']",
    "interpolate": ".frames img[src^='data:']",
    "parts": "img[alt$='swapped'][src^='data:']",
    "edit": "tbody tr",
    "inpaint": "canvas.paint",
    "captions": ".written",
    "classify": "tbody tr",
    "map": "canvas.plane",
}


@pytest.fixture(params=FAMILIES)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    out = tmp_path / request.param
    words = f"train {FAMILIES[request.param]} --epochs 1 --batch 32 --quiet"
    main([*words.split(), "--out", str(out)])
    return out


def test_every_panel_of_a_family_shows_what_it_is_for(run: Path) -> None:
    uploads = Uploads()
    places = open_runs([run], None, Where(), uploads)
    with serving(build_app(places, uploads)) as base, visiting(base) as visitor:
        for panel in possible(places[0]):
            visitor.go(f"panel={panel}&image=d1")
            visitor.page.locator(DRAWS[panel]).first.wait_for()
            assert visitor.page.locator("[role=alert]:visible").count() == 0
            visitor.content()
