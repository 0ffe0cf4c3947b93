"""latelier train: train a model on images and write a run folder."""

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
    where: str | None = Options.where,
    images: Whole | None = Options.images,
    labels: Whole | None = Options.labels,
    labels_file: Place | None = Options.labels_file,
    attributes_file: Place | None = Options.attributes_file,
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
    precision: Literal["fp32", "tf32", "bf16"] | None = Options.precision,
    validation: float | None = Options.validation,
    monitor: str | None = Options.monitor,
    judge: Annotated[str | None, Parameter(show=False)] = Options.judge,
    patience: Whole | None = Options.patience,
    save_every: float | None = Options.save_every,
    keep: Whole = Options.keep,
    parts: Whole | None = Options.parts,
    pack: Literal["auto", "always", "never"] = Options.pack,
    compile: bool = Options.compile,
    as_: As = Options.as_,
    data_root: Place | None = Options.data_root,
    download: bool = Options.download,
    device: str | None = Options.device,
    tensorboard: bool = Options.tensorboard,
    mirror: Place | None = Options.mirror,
    resume: bool = Options.resume,
    quiet: bool = Options.quiet,
) -> Path:
    """Train a model on images and write a run folder.

    Bad input is refused (exit 2) before anything is written. Ctrl-C finishes the step, saves, and prints how to
    continue.

    Parameters
    ----------
    model
        A method's name (see `latelier models`), or your own file `my_model.py`. If left out, latelier chooses a method
        that predicts the labels (vae if there are none), and a line says which and why; with --resume it is the run's
        method.
    data
        A built-in name (see `latelier data`), a folder of images, Parquet or tar, or a pattern or address of such files
        (`train-{0000..1023}.tar`, `s3://bucket/*.parquet`); `SRC:split` names a split.
    out
        The run folder. An existing run is never overwritten. A URL such as s3://bucket/run is written as a folder in
        the cache and copied there, as by --mirror.
    steps
        Length of the run in steps. The default is the method's own number, which is enough for a small folder, or 20
        epochs if that is more, up to four times the method's own number. Images of up to 22x22 pixels start from two to
        four times the method's own number. A resumed run may be given another length.
    epochs
        Length of the run in epochs, in place of --steps; may be a fraction.
    batch
        Images per step, over all processes; by default the method's own number.
    seed
        Seed of the order of images, the noise, the initial weights and the choice of labels;
        with --validation also of the images held out.
    size
        Size in pixels: scale the shorter side to this and crop the centre square.
    channels
        1 for grey, 3 for colour; by default what most of the images are.
    range
        LO,HI: the values that are black and white in images of more than 8 bits, or of floats, as in --range 0,4095; by
        default a sample of the images decides.
    where
        Train on the images alone that are known to have this attribute, or to be of this class. `A|B` is either,
        `!A` the contrary.
    images
        Train on this many of the images, drawn by the seed; by default on all.
    labels
        Keep this many labels per class, drawn by the seed, and hide all others. A label head is trained beside a model
        that encodes (--set head=none leaves it out).
    labels_file
        A CSV file with the columns file,class. It gives some of the images a class, in place of class folders or a
        labels.csv beside them; all other images count as unlabelled. A label head is trained as with --labels, which
        may hide some of these labels too. The run keeps a copy of the file.
    attributes_file
        A CSV file with the column file and one for each attribute, of 1 (yes), 0 (no) or nothing (unknown), in place of
        an attributes.csv beside the images. vac and introvac learn them; for other methods `edit` and `score` fit
        directions in the code to them. The run keeps a copy of the file.
    prior
        How common each class is among all images, for a head that also trains on images without a label: even (the
        default), labels (as among the labelled training images), or a CSV file with the columns class,share.
    captions
        Keep the captions of this many images, drawn by the seed, and hide all others. A caption head (caption=gru) is
        trained beside a model that encodes. --set caption=gru without --captions trains on all captions.
    from_run
        Start from the weights of this run, on other images of the same shape, such as a folder that has grown. Method
        and settings are those of the run and need not be given again. Optimisers, schedule and log are new; the named
        run does not change. A label head knows only the classes of the named run.
    shift
        Move each training image at random by up to this many pixels; the uncovered edge is black.
    flip
        Mirror half of the training images left to right at random.
    affine
        Rotate, scale, shear and move each training image at random. Strength 1 rotates by up to 20 degrees, scales by
        up to about a fifth, shears by up to .3 and moves by up to a ninth of the side, which is enough for most data.
    cutout
        Paint over a square of each training image, at a random place; its side as a share of the image's, e.g. 0.3.
    colour
        Change brightness, contrast, saturation and hue of each training image at random; 1 is strong.
    settings
        field=value of the method, e.g. latent=16 net=resnet penalty=beta penalty.weight=4 head=softmax.
    rate
        Learning rate of every player, in place of the method's own.
    warmup
        Epochs over which the learning rate rises from 0.
    decay
        How the learning rate falls: linear and cosine reach 0 at the end, steps halves it at 40, 60 and 80 % of the
        run. By default the method's own.
    clip
        Largest 2-norm of each player's gradient.
    ema
        Average the weights with this half-life, in epochs; the run gives the average.
    precision
        bf16 computes nets in bfloat16; weights and losses stay float32. It is fp32 on a processor that would emulate
        it. tf32 lets a GPU round what it multiplies to TF32; on a CPU it is fp32. By default bf16 for convolutional
        nets if the processor computes it in hardware, and tf32 for others on a GPU that has it.
    validation
        Share of the training images to hold out. They choose the best checkpoint, and scores use them. By default a
        tenth of a source without splits (none of fewer than 20 images); other sources use their own validation split,
        if they have one. 0 holds nothing out.
    monitor
        The validation metric that chooses the best checkpoint; by default the method's own. A named metric uses all
        labels of the validation images, whatever --labels says. The exception is "cross-validated label error %": it
        hides the training labels in turn, predicts each from neighbours among the codes, and needs at least two labels
        of a class.
    judge
        The former name of --monitor, for one more version.
    patience
        Stop after this many saves without a better validation result.
    save_every
        Epochs between checkpoints; by default the run saves 20 times.
    keep
        Checkpoints kept besides the best.
    parts
        Cut each batch into this many parts, each with its own noise. The result depends on the number of parts, not on
        the number of processes that share them. By default one part per process.
    pack
        Whether to decode all images into a pack before training: always, or never, which reads tar and Parquet shards
        as training goes on and needs no room for their images. By default shards that a pattern names are packed up to
        2 GiB of decoded pixels, and all other sources always.
    compile
        Compile the nets (worth it for long runs).
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    device
        cpu, cuda, cuda:1; by default a GPU if there is one.
    tensorboard
        Also write TensorBoard files into the run.
    mirror
        Copy every checkpoint, the log and the settings to this place as well: a folder on another disk, or a URL such
        as s3://bucket/run. Training does not wait for it. With --resume, a run whose folder is gone goes on from there.
    resume
        Continue from the run's newest good checkpoint.
    quiet
        Print nothing while training.
    """
    options = Options(**locals())

    from latelier.config.lookup import known

    if options.model:  # a misspelt one is refused before torch is loaded
        known("latelier.models", options.model, "model", "Model")

    from latelier.training.run import start

    return start(options)
