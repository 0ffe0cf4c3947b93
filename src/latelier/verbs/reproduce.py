"""latelier reproduce: run a recipe, and print published values beside measured ones."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from latelier.terminal.say import say
from latelier.verbs.options import As, Place, Whole, check_whole

MOST = 1_000  # seeds
LONGEST = 1_000  # times the recipe's epochs


def reproduce(
    recipe: str | None = None,
    *,
    out: Place | None = None,
    data: Place | None = None,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
    share: float = 1.0,
    seeds: Whole | None = None,
    size: Whole | None = None,
    rehearse: bool = False,
    listed: Annotated[bool, Parameter(name="--list")] = False,
) -> Path | None:
    """Run a recipe: train what a published table or figure needs, and print published values beside measured ones.

    Without a recipe it lists all recipes, and returns nothing; with --list it says what each takes.

    Writes OUT/NAME.txt, OUT/NAME.json and OUT/NAME.png, as far as the recipe has a table and a sheet, and keeps its
    runs in OUT. If it is stopped, the same command continues. Recipes in one folder share the trainings that they have
    in common. Returns OUT. Raises Refusal (exit 2) for an unknown recipe, and for an OUT that was trained on something
    else.

    Parameters
    ----------
    recipe
        The recipe's name, e.g. lecture/ksparse-table; by default all are listed.
    out
        The folder; by default runs/lecture/mnist for recipes of lecture/ that train on mnist.
    data
        Images in place of the recipe's own.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    share
        What multiplies the recipe's epochs, above 0: below 1 it is a rehearsal, above 1 a longer training than the
        recipe's.
    seeds
        Number of seeds, if the recipe has several.
    size
        Size of the images in pixels, in place of the recipe's. Small images need less machine time.
    rehearse
        See that the recipe runs, in a minute or a few: every training for 2 steps, on embedded images in place of a
        set that has to be fetched, and every score and sheet of few images. What is printed is no measurement.
    listed
        List all recipes with their data, their hours on two cores and what is known of their result.
    """
    from latelier.config.recipes import find_recipe, recipe_file

    if recipe is None or listed:
        _list(recipe, listed)
        return None
    recipe_file(recipe)  # a misspelt one is refused before torch is loaded

    from latelier.bench.jobs import Bench
    from latelier.bench.rehearsal import SHARE, stand_in
    from latelier.data.sources.open import LARGEST, splits_of
    from latelier.data.sources.own import mark
    from latelier.errors import Refusal
    from latelier.runs.where import Where
    from latelier.sheets.sheet import save
    from latelier.storage import files, json_records
    from latelier.terminal.tables import table

    if not 0 < share <= LONGEST:
        raise Refusal(f"--share {share} multiplies the recipe's epochs: above 0, at most {LONGEST}")
    if rehearse and share != 1:
        raise Refusal(
            f"--rehearse is shorter than any share, and --share {share:g} was given too; leave one of them out"
        )
    for option, value, most in (("--seeds", seeds, MOST), ("--size", size, LARGEST)):
        check_whole(option, value, most)
    module = find_recipe(recipe)
    if not hasattr(module, "reproduce"):
        raise Refusal(f'"{recipe}" is no recipe: its file does not define reproduce')
    named = Path(recipe.removesuffix(".py").replace("_", "-"))
    source, where = (
        str(data or (stand_in(module.DATA) if rehearse else module.DATA)),
        Where.of(data_root, download, as_),
    )
    splits_of(source, where.data_root, as_=as_)  # what is no source is refused before anything is written
    ends = Path("rehearsal" if rehearse else ".") / Path(source).name
    place, name = Path(out or Path("runs") / named.parent / ends), named.name
    share = SHARE if rehearse else share
    options: dict[str, object] = {"data": source, "share": share} | ({} if size is None else {"size": size})
    options |= {"rehearse": True} if rehearse else {}
    _same(place, options)
    new = not place.exists()
    json_records.write(place / "recipes.json", options)
    mark(place)
    count = (1 if rehearse else getattr(module, "SEEDS", 1)) if seeds is None else seeds
    bench = Bench(place, source, where, share, count, size, module.DATA if rehearse else "")
    try:
        result = module.reproduce(bench)
    except Refusal:
        _withdraw(place, new)
        raise
    words = [result.note] if result.note else []
    if rehearse:
        words.append(f"Rehearsed on {source} for two steps a training: it runs. No figure above is a measurement.")
    elif share != 1:
        words.append(f"{'A rehearsal: t' if share < 1 else 'T'}rained for {share:g} times the recipe's epochs.")
    if size is not None:
        words.append(f"Images of {size} x {size} pixels.")
    if result.rows:
        text = table(result.title, result.columns, result.rows)
        files.write(place / f"{name}.txt", "\n".join([text, *words, ""]))
        files.write_json(place / f"{name}.json", [result.columns, *result.rows])
        say(text)
    say("\n".join(words))
    if result.sheet is not None:
        save(result.sheet, place / f"{name}.png")
        say(place / f"{name}.png")
    return place


def _list(recipe: str | None, listed: bool) -> None:
    """Prints what recipes there are, or what each takes. Raises Refusal where one was named beside --list."""
    from latelier.config.recipes import known_of, summaries
    from latelier.errors import Refusal
    from latelier.terminal.tables import table
    from latelier.verbs.listing import printed

    if recipe is not None:
        raise Refusal(f'--list is of all recipes, and "{recipe}" was named too; leave one of them out')
    if not listed:
        printed(summaries())
        return
    facts = known_of()
    widest = max(len(known.get("STATE", "")) for known in facts.values())  # sentences begin below each other
    rows = [
        [name, known.get("DATA", ""), known.get("HOURS", ""), known.get("STATE", "").ljust(widest)]
        for name, known in facts.items()
    ]
    say(table("Recipes", ("recipe", "data", "hours of two cores", "state".ljust(widest)), rows))
    say("~: estimated from shorter runs, at the whole length and with the recipe's own number of seeds.")


def _same(place: Path, options: dict[str, object]) -> None:
    """Raises Refusal if the folder holds something else, or cannot be created."""
    from latelier.errors import Refusal
    from latelier.storage import files, json_records
    from latelier.storage.schemas import RecipeNote
    from latelier.verbs.writing import new_folder

    mark = place / "recipes.json"
    if not mark.is_file():
        new_folder(place)
        return
    files.check_inside(place)
    if (found := json_records.read(mark, RecipeNote, "name another folder")) != options:
        held, wanted = (" ".join(f"--{name} {value}" for name, value in said.items()) for said in (found, options))
        raise Refusal(f"--out {place} holds what {held} gave, not {wanted}; name another folder")


def _withdraw(place: Path, new: bool) -> None:
    """Removes what was written if nothing was trained, so that it does not block the corrected command."""
    from latelier.storage.folders import MARK

    left = list(place.iterdir())
    if {path.name for path in left} == {"recipes.json", MARK}:
        for path in left:
            path.unlink()
        if new:
            place.rmdir()
