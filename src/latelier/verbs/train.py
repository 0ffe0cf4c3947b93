"""latelier train: learn a model from images into a run folder."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from latelier.runs.options import Options
from latelier.verbs.options import As, Place, Range, Seed, Settings, Whole


def train(
    model: str | None = Options.model,
    *,
    data: Place | None = Options.data,
    out: Annotated[Place, Parameter(show_default=False)] = Options.out,
    steps: Whole | None = Options.steps,
    epochs: float | None = Options.epochs,
    batch: Whole | None = Options.batch,
    seed: Seed = Options.seed,
    size: Whole | None = Options.size,
    channels: Literal[1, 3] | None = Options.channels,
    range: Range | None = Options.range,
    images: Whole | None = Options.images,
    labels: Whole | None = Options.labels,
    labels_file: Place | None = Options.labels_file,
    prior: Place | None = Options.prior,
    captions: Whole | None = Options.captions,
    from_run: Annotated[Place | None, Parameter(name="--from")] = Options.from_run,
    shift: Whole = Options.shift,
    flip: bool = Options.flip,
    affine: float = Options.affine,
    cutout: float = Options.cutout,
    colour: float = Options.colour,
    settings: Settings = Options.settings,
    rate: float | None = Options.rate,
    warmup: float = Options.warmup,
    decay: Literal["none", "linear", "cosine", "steps"] | None = Options.decay,
    clip: float | None = Options.clip,
    ema: float | None = Options.ema,
    precision: Literal["fp32", "bf16"] | None = Options.precision,
    validation: float | None = Options.validation,
    monitor: str | None = Options.monitor,
    judge: Annotated[str | None, Parameter(show=False)] = Options.judge,
    patience: Whole | None = Options.patience,
    save_every: float | None = Options.save_every,
    keep: Whole = Options.keep,
    parts: Whole | None = Options.parts,
    compile: bool = Options.compile,
    as_: As = Options.as_,
    data_root: Place | None = Options.data_root,
    download: bool = Options.download,
    device: str | None = Options.device,
    tensorboard: bool = Options.tensorboard,
    resume: bool = Options.resume,
    quiet: bool = Options.quiet,
) -> Path:
    """Learn a model from images into a run folder.

    Bad input is refused (exit 2) before anything is written. Ctrl-C finishes the step, saves, and says how to go on.

    Parameters
    ----------
    model
        A method's name (see `latelier models`), or your own file `my_model.py`. Left out, one is chosen that recognises
        what the labels say, and a line says which and why; with --resume it is the run's.
    data
        A built-in name (see `latelier data`), a folder of images, Parquet or tar; `SRC:split` names a split.
    out
        The run folder. An existing run is never overwritten.
    steps
        Length of the run. By default the method's own number of steps, which is enough for a small folder, or 20 epochs
        where those are more, up to four times the method's own; images of 22 pixels a side or less have two to
        four times as many from the start. A resumed run may be given another length.
    epochs
        The same length as how often every image is shown, in place of --steps; may be a fraction.
    batch
        Images a step, over all processes; by default the method's own.
    seed
        Of the order, the noise, the first weights, and the choice of labels and validation images.
    size
        Scale the shorter side to this many pixels and crop the centre square.
    channels
        1 for grey, 3 for colour; by default what most of the images are.
    range
        LO,HI: which values of images of more than 8 bits, or of floats, are black and white, as in --range 0,4095; by
        default what a sample of them shows.
    images
        Learn from so many of the images, drawn by seed; by default from all.
    labels
        Keep so many labels a class, drawn by the seed, hide all others, and let a label head learn beside a model that
        encodes (--set head=none leaves it out).
    labels_file
        A CSV file with the columns file,class that gives some of the images a class, in place of class folders or a
        labels.csv beside them; all others count as unlabelled. A label head learns as with --labels, which may hide
        some of these too. A copy is kept in the run.
    prior
        How common each class is among all images, for a head that learns from those without a label: even (the
        default), labels (as among the labelled ones that are trained on), or a CSV file with the columns class,share.
    captions
        Keep the captions of so many images, drawn by the seed, hide all others, and let a caption head learn beside a
        model that encodes (caption=gru; --set caption=gru without --captions learns from all captions).
    from_run
        Begin with the weights of this run: of the same method and settings, which need not be given again, on other
        images of the same shape, such as a folder that has grown. Optimisers, schedule and log are new, the run that
        is named stays as it is. A label head knows its classes alone.
    shift
        Move each training image by up to so many pixels at random, black coming in.
    flip
        Mirror half of the training images left to right at random.
    affine
        Rotate, scale, shear and move each training image at random; 1 is up to 20 degrees, a fifth and a ninth of the
        side, and enough for most.
    cutout
        Paint over a square of each training image, at a random place; its side as a share of the image's, e.g. 0.3.
    colour
        Change brightness, contrast, saturation and hue of each training image at random; 1 is strong.
    settings
        field=value of the method, e.g. latent=16 net=resnet penalty=beta penalty.weight=4 head=softmax.
    rate
        Learning rate of every player, in place of the method's own.
    warmup
        Epochs over which the rate rises from 0.
    decay
        How the rate falls to 0 at the end, or by steps: halved at 40, 60 and 80 % of the run; by default the method's
        own.
    clip
        Greatest 2-norm of each player's gradient.
    ema
        Average the weights with this half-life, in epochs; the average is what the run gives.
    precision
        bf16 computes nets in bfloat16; weights and losses stay float32. By default bf16 for convolutional nets where
        the processor computes it in hardware.
    validation
        Share of the training images held out, to choose the best checkpoint by and to measure on. By default a tenth of
        a source without splits (none of fewer than 20 images), and of others their own validation split, if they have
        one. 0 holds nothing out.
    monitor
        The metric of validation that chooses the best checkpoint; by default what the method is for. A metric that is
        named sees validation images with all their labels, whatever --labels says, but for "cross-validated label
        error %": the labels of training, hidden in turn and told by neighbours among codes, from two a class on.
    judge
        The former name of --monitor, for one version more.
    patience
        Stop after so many saves without a better validation.
    save_every
        Epochs between checkpoints; by default 20 in the run.
    keep
        Checkpoints kept besides the best.
    parts
        Cut each batch into so many parts with noise of their own; the result depends on them, not on the number of
        processes that share them out. By default one for each process.
    compile
        Compile the nets (worth it for long runs).
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    device
        cpu, cuda, cuda:1; by default a GPU where there is one.
    tensorboard
        Write TensorBoard's files into the run as well.
    resume
        Go on from the run's newest good checkpoint.
    quiet
        Print nothing while training.
    """
    options = Options(**locals())

    from latelier.training.run import start

    return start(options)
