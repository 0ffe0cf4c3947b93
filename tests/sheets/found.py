"""Images found again on a sheet."""

import numpy as np

from latelier.sheets.sheet import resized, shown


def places(sheet: np.ndarray, image: np.ndarray) -> list[tuple[int, int]]:
    """(y, x) of every place at which the image uint8 [h, w, c] stands on the sheet, as large as sheets show it."""
    block = np.asarray(resized(image, shown(image.shape[1], image.shape[0])))
    h, w, _ = block.shape
    corners = (sheet == block[0, 0]).all(2)
    corners[: sheet.shape[0] - h + 1, : sheet.shape[1] - w + 1] &= (sheet[h - 1 :, w - 1 :] == block[-1, -1]).all(2)
    return [(y, x) for y, x in np.argwhere(corners).tolist() if np.array_equal(sheet[y : y + h, x : x + w], block)]
