"""latelier duplicates: write which images are nearly the same, by their codes, as a table."""

import math
from pathlib import Path

from latelier.terminal.say import say
from latelier.verbs.options import As, OptionalPlace, Place

FARTHEST = 1.0  # typical distances, as a threshold
HELD = 1 << 28  # numbers of all codes: a GiB, twice
SLOW = 100_000  # images from which on the comparison of all with all is announced


def duplicates(
    run: Place,
    source: Place,
    *,
    out: OptionalPlace = "",
    most: float = 0.1,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write groups of images that are nearly the same into a CSV file: group, file, nearest, distance.

    Two images belong together if the one's nearest code is the other's, at most --most times as far away as the nearest
    usually is (the median over all images): at 0 codes are equal. Each row has the image's nearest and that distance.
    Groups are numbered by size, the largest first; all images of a group but the first can be done without. Images are
    compared all with all, in blocks: the seconds grow with the square of their number. Returns the path. Raises Refusal
    (exit 2) for bad input.

    Parameters
    ----------
    run
        A run folder of a model that encodes.
    source
        Images, as for train's --data.
    out
        The CSV file.
    most
        The largest distance of a pair, from 0 to 1, in typical distances to the nearest image.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.codes.rows import codes, tabled
    from latelier.core import Encodes, need
    from latelier.errors import Refusal
    from latelier.learners.duplicates import closest, groups, pairs
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.slices import done
    from latelier.terminal.tables import counted
    from latelier.verbs.writing import given, new_file, write_table

    if not (math.isfinite(most) and 0 <= most <= FARTHEST):
        raise Refusal(f"--most takes a number from 0 to {FARTHEST:g}, in typical distances, but got {most:g}")
    opened = open_run(run)
    need(opened.model, Encodes)
    out = new_file(given(out, "duplicates"), "--out", "group,file,nearest,distance")
    images = opened.images(source, Where.of(data_root, download, as_))
    width = sum(math.prod(opened.model.latents[name].shape) for name in tabled(opened.model))
    if len(images) * width > HELD:
        raise Refusal(
            f"duplicates holds the codes of all images, at most {HELD:,} numbers, and {len(images):,} images have "
            f"{width:,} each; give it a part of them"
        )
    rows = codes(opened.model, images)
    if len(images) > SLOW:
        say(f"comparing {len(images):,} codes with each other, {len(images) ** 2 / 2e8:,.0f} s at least", error=True)
    near, distance = done(closest(rows))
    found = groups(pairs(near, distance, most))
    table = (
        [str(number), str(images.names[row]), str(images.names[near[row]]), f"{distance[row]:.6g}"]
        for number, part in enumerate(found, 1)
        for row in part
    )
    write_table(out, ("group", "file", "nearest", "distance"), table)
    spare = sum(len(part) - 1 for part in found)
    say(f"{out}: {counted(len(found), 'group')} in {counted(len(images), 'image')}; {spare:,} can be done without")
    return out
