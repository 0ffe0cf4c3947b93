"""latelier reconstruct: what a model keeps of each picture, as files."""

import math
from pathlib import Path

from latelier.verbs.options import Place


def reconstruct(
    run: Place, source: Place, *, out: Place, data_root: Place | None = None, download: bool = False
) -> Path:
    """Write the reconstruction of every picture as a PNG of the same name, and reconstructions.csv with each one's
    PSNR.

    Returns the folder. Raises Refusal (exit 2) for bad input and for a folder that is not empty.

    Parameters
    ----------
    run
        A run folder.
    source
        Pictures, as for train's --data.
    out
        A new or empty folder.
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    """
    import csv
    import io

    from PIL import Image

    from latelier import files
    from latelier.core import Refusal
    from latelier.pictures.view import pixels
    from latelier.runs import Where, open_run
    from latelier.scores.common import reconstructions

    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Refusal(f"--out {out} exists and is not an empty folder; name another")
    opened = open_run(run)
    images = opened.images(source, Where.of(data_root, download))
    lines, row = io.StringIO(), 0
    writer = csv.writer(lines)
    writer.writerow(["file", "picture", "psnr_db"])
    for image, mean in reconstructions(opened.model, images):
        noise = (image - mean).square().flatten(1).mean(1).clamp(min=1e-10)
        for drawn, error in zip(pixels(mean), noise.tolist(), strict=True):
            name = str(images.names[row])
            picture = f"{row:06d}-{Path(name).stem}.png"
            content = io.BytesIO()
            Image.fromarray(drawn.squeeze(-1) if drawn.shape[-1] == 1 else drawn).save(content, "PNG")
            files.write(out / picture, content.getvalue())
            writer.writerow([name, picture, f"{-10 * math.log10(error):.2f}"])
            row += 1
    files.write(out / "reconstructions.csv", lines.getvalue())
    print(f"{out}: {row:,} pictures and reconstructions.csv")
    return out
