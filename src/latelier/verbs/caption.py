"""latelier caption: write a caption for every image as a table."""

from pathlib import Path

from latelier.terminal.say import say
from latelier.verbs.options import As, Asked, Place, Seed, Whole

MOST = 10_000  # captions, draws and words


def caption(
    run: Place,
    source: Place,
    *,
    out: Asked = "",
    beam: Whole = 5,
    draws: Whole | None = None,
    longest: Whole = 30,
    seed: Seed = 0,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write a caption for every image into a CSV file: file, caption, log probability.

    The log probability is in nats, of the caption and its end. The file can stand beside the images as their
    captions.csv. Returns the path. Raises Refusal (exit 2) for a run without a caption head.

    Parameters
    ----------
    run
        A run folder, trained with --set caption=gru or caption=lstm.
    source
        Images, as for train's --data.
    out
        The CSV file.
    beam
        Captions kept at each word; 1 takes the most likely word each time.
    draws
        Samples of each image's code, over which the captions' probabilities are averaged; 0 for the most likely code
        alone. By default 0, and 50 for a code with discrete latents, as dgdn has.
    longest
        Largest number of words in a caption.
    seed
        Seed of the samples.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    import torch

    from latelier.codes.rows import device_of
    from latelier.core import Captions, has
    from latelier.errors import Refusal
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.scores.captioning import written
    from latelier.verbs.writing import given, new_file, write_table

    for option, value, least in (("--beam", beam, 1), ("--draws", draws, 0), ("--longest", longest, 1)):
        if value is not None and not least <= value <= MOST:
            raise Refusal(f"{option} takes a whole number from {least} to {MOST:,}, but got {value}")
    opened = open_run(run)
    if not has(opened.model, Captions):
        raise Refusal(f"{run} cannot write: train it on images with captions and --set caption=gru")
    out = new_file(given(out, "caption"), "--out", "file,caption,log probability")
    images = opened.images(source, Where.of(data_root, download, as_))
    generator = torch.Generator(device_of(opened.model)).manual_seed(seed)
    texts, scores = written(opened.model, images, beam, draws, generator, longest)
    rows = ([name, text, f"{score:.3f}"] for name, text, score in zip(images.names, texts, scores, strict=True))
    write_table(out, ["file", "caption", "log probability"], rows)
    say(f"{out}: {len(images):,} captions, {len(set(texts)):,} distinct")
    return out
