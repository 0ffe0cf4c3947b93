"""latelier fit-prior: fit a prior to the codes of a run's training images."""

from pathlib import Path
from typing import Literal

from latelier.terminal.say import say
from latelier.verbs.options import Place, Seed


def fit_prior(
    run: Place,
    *,
    kind: Literal["gmm", "flow", "sequence", "none"] = "gmm",
    seed: Seed = 0,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Fit a prior to the codes of the images that a run was trained on, and keep it in the run.

    From then on samples are drawn from it: by draw, report, score, explore and latelier.load. Codes, reconstructions
    and likelihoods stay as they are. A tenth of the codes is held out, and their mean log-likelihood is printed beside
    that under N(0, I). Training again is not needed, and --kind none takes the fitted prior away. Returns the run's
    folder. Raises Refusal (exit 2) for a model that does not encode and decode, where the training images are gone, and
    by gmm and flow for a code with binary, categorical or uniform latents.

    Parameters
    ----------
    run
        A run folder.
    kind
        gmm: a mixture of 1 to 50 Gaussians, as many as make held-out codes likeliest. flow: a neural spline flow, with
        the extra latelier[flow]. sequence: an autoregressive net over the cells of a codebook's entries (vq). none: the
        prior that the model was trained with.
    seed
        Seed of samples of codes, of what is held out and of the fit.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.runs import fitted_prior
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.terminal.tables import counted

    if kind == "none":  # also of one that is damaged, with which the run does not open
        folder = fitted_prior.folder_of(run)
        gone = fitted_prior.remove(folder)
        say(f"{folder}: {'the fitted prior is removed' if gone else 'there is no fitted prior'}")
        return folder
    opened = open_run(run)
    found = fitted_prior.fit(opened, kind, Where.of(data_root, download), seed)
    say(f"{opened.folder}: {found.said}, fitted to codes of {counted(found.images, 'training image')}")
    beside = "cell by cell" if kind == "sequence" else "under N(0, I)"
    said = f"{found.fitted:.1f} nats, and {found.normal:.1f} {beside}"
    say(f"mean log-likelihood of held-out codes: {said}")
    if opened.scores:
        say("scores of samples that the run keeps are of the prior before: score it anew", error=True)
    return opened.folder
