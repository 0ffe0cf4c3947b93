"""Where commands take values: each verb's command as it is right, and its options by what they are given."""

from hostile import odd

GOOD = {
    "train": "train vae --data pets --out new --steps 1 --batch 4 --quiet --set net=mlp net.widths=4 latent=2",
    "report": "report run",
    "score": "score run --only reconstruction --quiet",
    "draw": "draw run samples --out sheet.png",
    "compare": "compare run run --out both.png",
    "encode": "encode run pets --out codes.parquet",
    "fit-prior": "fit-prior run --seed 1",
    "decode": "decode run code.json --out one.png",
    "reconstruct": "reconstruct run pets --out many",
    "inpaint": "inpaint run pets --mask mask.png --out many",
    "edit": "edit run pets --attribute big --out many",
    "classify": "classify run pets --out classes.csv",
    "suggest": "suggest run pets --labels table.csv --out next.csv",
    "neighbours": "neighbours run pets --query mask.png --out nearest.csv",
    "duplicates": "duplicates run pets --out duplicates.csv",
    "outliers": "outliers run pets --out outliers.csv",
    "caption": "caption run pets --out captions.csv",
    "parts": "parts parts.safetensors pets --out parts.parquet",
    "sweep": "sweep recipe.toml --out many",
    "reproduce": "reproduce lecture/ksparse-table --out many --data pets --share 0.01",
    "export": "export run --out many",
    "demo": "demo --out many",
    "explore": "explore run --data pets --port 0",
    "models": "models",
    "data": "data pets",
    "cache": "cache",
}
DEAR = (
    "report",
    "reproduce",
    "demo",
    "explore",
    "fit-prior",
    "sweep",
)  # of these what is right is not tried: it takes long, never
# ends, or wants more images than there are
WRITES = {
    **dict.fromkeys(
        ("report", "draw", "compare", "encode", "decode", "classify", "suggest", "caption", "parts"), odd.FILE
    ),
    **dict.fromkeys(("neighbours", "duplicates", "outliers"), odd.FILE),
    **dict.fromkeys(("train", "reconstruct", "inpaint", "edit", "reproduce", "export", "demo", "sweep"), odd.FOLDER),
}
READS = ("train", "report", "score", "draw", "compare", "reproduce", "explore")  # by --data, others by an argument
WHOLE = {
    "train": "--steps --batch --seed --size --channels --images --labels --captions --shift --patience --keep --parts",
    "score": "--seed",
    "draw": "--seed --steps",
    "inpaint": "--seed",
    "suggest": "--count --seed",
    "neighbours": "--count",
    "fit-prior": "--seed",
    "outliers": "--seed",
    "caption": "--beam --draws --longest --seed",
    "reproduce": "--seeds --size",
    "explore": "--port",
    "sweep": "--jobs",
}
NUMBERS = {
    "train": "--epochs --affine --cutout --colour --rate --warmup --clip --ema --validation --save-every",
    "draw": "--by --step --temperature",
    "edit": "--by",
    "duplicates": "--most",
    "parts": "--least",
    "reproduce": "--share",
}
NAMES = {
    "train": "--where --decay --precision --monitor --device --as",
    "score": "--only",
    "draw": "--through --given --attribute",
    "edit": "--attribute",
    "encode": "--features --as",
    "suggest": "--kind",
    "outliers": "--by",
    "fit-prior": "--kind",
    "data": "--as",
    "demo": "--data",
}
SURPLUS = {  # what no verb takes
    "train": ("--nowhere=1", "surplus", "--out", "-x"),
    **dict.fromkeys(("report", "score"), ("--nowhere=1", "surplus", "--data", "-x")),
    **dict.fromkeys(
        ("draw", "encode", "decode", "reconstruct", "inpaint", "edit", "classify", "suggest", "caption"),
        ("--nowhere=1", "surplus", "--out"),
    ),
    **dict.fromkeys(("neighbours", "duplicates", "outliers"), ("--nowhere=1", "surplus", "--out")),
    **dict.fromkeys(("parts", "reproduce", "export", "demo", "sweep"), ("--nowhere=1", "surplus", "--out")),
    "fit-prior": ("--nowhere=1", "surplus", "-x"),
    **dict.fromkeys(("compare", "explore"), ("--nowhere=1", "surplus", "--data")),
    **dict.fromkeys(("models", "data", "cache"), ("--nowhere=1", "surplus", "-x")),
}
OTHERS = {
    ("train", "--from"): odd.RUN,
    ("train", "--range"): odd.RANGES,
    ("train", "--mirror"): odd.MIRROR,
    ("export", "--to"): odd.NAME,
    ("cache", "--prune --unused"): odd.AMOUNTS,
    ("cache", "--prune --over"): odd.AMOUNTS,
    ("train", "--labels-file"): odd.TABLE,
    ("train", "--attributes-file"): odd.TABLE,
    ("train", "--labels=4 --prior"): odd.TABLE,
    ("inpaint", "--mask"): odd.MASK,
    ("edit", "--fit"): odd.SOURCE,
    ("classify", "--confusion"): odd.FILE,
    ("suggest", "--labels"): odd.TABLE,
    ("neighbours", "--query"): odd.MASK,
    ("train", "--set"): odd.SETTINGS,
    ("score", "--set"): odd.OPTIONS,
    ("sweep", "RECIPE"): odd.TABLE,
    ("decode", "CODE"): tuple(value for value in odd.TABLE if value != "code.json"),
}
