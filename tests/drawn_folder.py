"""A folder as a person has one: small images of clothes, drawn, in a sub-folder for each kind."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

Points = list[tuple[float, float]]
FINE = 6  # times the side, drawn so large and scaled down: edges are grey
HALVES: dict[str, Points] = {  # right halves, x from the middle, from the top down; both in [-1, 1]
    "shirt": [(0.15, -0.8), (0.45, -0.85), (0.95, -0.25), (0.7, -0.05), (0.5, -0.3), (0.5, 0.85), (0, 0.85)],
    "pullover": [(0.2, -0.8), (0.5, -0.85), (0.95, 0.7), (0.68, 0.75), (0.5, -0.1), (0.5, 0.85), (0, 0.85)],
    "dress": [(0.12, -0.9), (0.3, -0.9), (0.25, -0.25), (0.6, 0.9), (0, 0.9)],
    "trousers": [(0.42, -0.9), (0.55, 0.9), (0.2, 0.9), (0, -0.35)],
    "bag": [(0.75, -0.2), (0.85, 0.75), (0, 0.75), (0, -0.2)],
    "boot": [],  # the one that is not the same on both sides
}
BOOT: Points = [(-0.55, -0.85), (0, -0.85), (0.05, 0.1), (0.8, 0.4), (0.85, 0.75), (-0.6, 0.75)]
KINDS = tuple(HALVES)


def draw(kind: str, side: int, colour: bool, striped: bool, rng: np.random.Generator) -> Image.Image:
    """One piece, of its own width, length, shade and place, on black."""
    whole = side * FINE
    image = Image.new("RGB", (whole, whole))
    pen = ImageDraw.Draw(image)
    shade = rng.uniform(90, 255, 3) if colour else np.full(3, rng.uniform(90, 255))
    width, length = rng.uniform(0.7, 1, 2)
    place = rng.uniform(-0.06, 0.06, 2)

    def put(points: Points) -> Points:
        return [((width * x + place[0] + 1) / 2 * whole, (length * y + place[1] + 1) / 2 * whole) for x, y in points]

    outline = [(x + rng.normal(0, 0.02), y + rng.normal(0, 0.02)) for x, y in HALVES[kind]]
    points = outline + [(-x, y) for x, y in reversed(outline)] if outline else BOOT
    pen.polygon(put(points), tuple(shade.astype(int)))
    if striped:
        dark = tuple((0.6 * shade).astype(int))
        for y in np.arange(-0.7, 0.9, rng.uniform(0.2, 0.4)):
            mask = Image.new("1", image.size)
            ImageDraw.Draw(mask).polygon(put(points), 1)
            (left, top), (right, bottom) = put([(-1, y), (1, y + 0.1)])
            band = Image.new("1", image.size)
            ImageDraw.Draw(band).rectangle((left, top, right, bottom), 1)
            image.paste(Image.new("RGB", image.size, dark), mask=Image.fromarray(np.asarray(mask) & np.asarray(band)))
    if kind == "bag":
        pen.arc([*put([(-0.4, -0.75)])[0], *put([(0.4, 0.3)])[0]], 180, 360, tuple(shade.astype(int)), FINE)
    return image.resize((side, side), Image.Resampling.BOX).convert("RGB" if colour else "L")


def drawn_folder(
    place: Path, n: int = 900, side: int = 28, colour: bool = False, seed: int = 0, stripes: str = ""
) -> Path:
    """n PNG files in ``place``/KIND/, as many of each kind as there can be, four of ten striped; and where they have a
    name, an attributes.csv that tells which are."""
    rng, lines = np.random.default_rng(seed), [f"file,{stripes}"]
    for number in range(n):
        kind, striped = KINDS[number % len(KINDS)], rng.random() < 0.4
        name = f"{kind}/{number:04}.png"
        (place / kind).mkdir(parents=True, exist_ok=True)
        draw(kind, side, colour, striped, rng).save(place / name)
        lines.append(f"{name},{int(striped)}")
    if stripes:
        (place / "attributes.csv").write_text("\n".join(lines) + "\n")
    return place
