"""latelier score: score a run and keep the record."""

from collections.abc import Collection, Mapping, Sequence
from types import GenericAlias
from typing import TYPE_CHECKING, Any, get_args, get_origin

from latelier.terminal.say import say
from latelier.verbs.options import As, Names, Place, Seed, Settings, Whole

if TYPE_CHECKING:
    from latelier.runs.run import Run
    from latelier.scores.common import Splits

Options = dict[str, dict[str, Any]]  # score -> keywords of its function


def score(
    run: Place,
    *,
    data: Place | None = None,
    only: Names = None,
    settings: Settings = None,
    seed: Seed = 0,
    limit: Whole | None = None,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
    protocols: bool = False,
    quiet: bool = False,
) -> list[dict[str, Any]]:
    """Score a run: reconstruction, likelihood, probes, the gap to the prior, disentanglement, captions, fine-tuning.

    Prints a verdict in words and a table, and adds to the run's scores.json. Every value is kept with its protocol, n
    and seconds. A score that these images do not allow is kept with the reason, unless it was named. Test images are
    the source's own test split or what the run held out; of any other source without splits, every other image. Raises
    Refusal (exit 2) for bad input.

    Parameters
    ----------
    run
        A run folder.
    data
        Images to measure on; by default what the run was trained on.
    only
        Names of scores. The default is those of --set, else all that model and data allow, except these:
        attribute_preservation, attribute_probe, clustering, conditional, edit, fid, finetune, frozen_probe, kid,
        logistic, outliers, precision_recall, retrieval, test_time, tsvm.
    settings
        SCORE.OPTION=value, a keyword of a score's function, e.g. finetune.epochs=5 frozen_probe.frozen=conv1
        likelihood.samples=1,50 fid.weights=inception.safetensors kid.features=pixels; kept with its record.
    seed
        Seed of label draws, codes and subsets.
    limit
        Measure on at most this many test images.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    protocols
        Also print how each score was measured, below the table.
    quiet
        Print no verdict, no table and no progress.
    """
    from latelier.config.own_code import Named
    from latelier.errors import Refusal

    named = [only] if isinstance(only, str) else only or []
    named = [_known(Named(name)) for name in named]  # before torch loads: one that is not known is refused at once
    options = options_of(settings)

    from latelier.runs import edit_basis
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.scores import find
    from latelier.terminal.tables import score_table
    from latelier.verdict.verdict import conclude, lines, verdict

    only = named or [Named(name) for name in options]
    for name in only:
        find(name)  # one of the user's own that cannot be run is refused before any image is read
    for name in options:
        if name not in only:
            raise Refusal(f"--set has options of {name}, but --only asks for {', '.join(only)}; add it there")
    opened = open_run(run)
    opened.scores  # noqa: B018, where the file is damaged that is said now, and not after minutes of measuring
    where = Where.of(data_root, download, as_)
    splits = opened.splits(data, where)
    if any(getattr(find(name), "TAKES_DIRECTIONS", False) for name in only):
        splits = splits._replace(found=edit_basis.directions(opened, where, splits.fit))
    records = judge(opened, splits, only, seed, limit, options, quiet=quiet)
    said, numbers = ([], None) if quiet else verdict(opened, splits, [*records, *opened.scores])
    if not quiet:  # before anything is written: a run that cannot be written to can still be judged
        say(f"{lines(said)}\n\n{score_table(records, f'{opened.name} on {splits.test.source}', protocols)}")
    opened.keep(records)
    if not quiet and data is None:  # what the run keeps is of its own images
        conclude(opened, splits, opened.scores, numbers)
    return records


def judge(
    run: "Run",
    splits: "Splits",
    only: Sequence[str] | None = None,
    seed: int = 0,
    limit: int | None = None,
    options: Options | None = None,
    quiet: bool = False,
    but: Collection[str] = (),
) -> list[dict[str, Any]]:
    """The scores' records, with what they were measured on and how long the run had trained. Each score is named on
    stderr as it begins, unless ``quiet``. If ``only`` names none, the scores in ``but`` are left out."""
    from latelier.scores.record import run_scores
    from latelier.terminal.progress import step

    stamp = {"data": splits.test.source, "fingerprint": splits.test.fingerprint, "seen": run.seen}
    say = None if quiet else step
    records = run_scores(run.model, splits, only, seed=seed, limit=limit, options=options, say=say, but=but)
    return [record | stamp for record in records]


def options_of(settings: Sequence[str] | Mapping[str, Any] | None) -> Options:
    """Options by score, from texts ``score.option=value``, a dict with such keys, or a dict of dicts. Values are parsed
    by the type of the keyword. Raises Refusal for an unknown score or option, and for a value that does not parse."""
    from latelier.config.settings import assigned
    from latelier.errors import Refusal

    grouped: Options = {}
    for key, value in assigned(settings).items():
        if isinstance(value, Mapping):
            grouped.setdefault(_known(key), {}).update(value)
            continue
        name, _, option = key.rpartition(".")  # a score outside the package has dots in its name, an option has none
        if not name:
            raise Refusal(f"--set takes SCORE.OPTION=value, for example finetune.epochs=5, but got '{key}={value}'")
        grouped.setdefault(_known(name), {})[option] = value
    return {name: _read(name, options) for name, options in grouped.items()}


def _known(name: str) -> str:
    """The score's name as modules have it. Raises Refusal for an unknown one."""
    from latelier.config.lookup import known

    return known("latelier.scores", name, "score", "score")


def _read(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as the score's function takes them: its keywords are read like the fields of a dataclass."""
    from dataclasses import make_dataclass
    from inspect import signature
    from typing import get_type_hints

    from latelier.config.own_code import Named
    from latelier.config.settings import configure, to_json
    from latelier.errors import Refusal
    from latelier.scores import find
    from latelier.storage.paths import place

    function = find(Named(name)).score
    hints = get_type_hints(function)
    keywords = list(signature(function).parameters)[3:]  # after model, data and generator
    known = [(keyword, _field(hints[keyword]), None) for keyword in keywords if keyword in hints]
    read: Any = configure(make_dataclass("Options", known), options, f"score {name}")
    found = {option: to_json(getattr(read, option)) for option in options}
    if weights := found.get("weights"):
        found["weights"] = str(path := place(weights, f"--set {name}.weights"))
        if not path.is_file():
            raise Refusal(f"--set {name}.weights={weights}: no such file; give a safetensors file")
    return found


def _field(hint: Any) -> Any:
    """The type of a keyword; a sequence is read like a tuple."""
    return GenericAlias(tuple, (*get_args(hint), ...)) if get_origin(hint) is Sequence else hint
