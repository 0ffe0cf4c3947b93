"""Odd values by what they are given for: none of them is one."""

import os

ESC, BIDI, LINES = "\x1b]0;mine\x07", "\u202egnp.exe", "x\nlatelier: all is well"
BYTES = os.fsdecode(b"\xff\xfe")
LONG = "x" * 300
NUMBERS = (
    "",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1e400",
    "0x10",
    "ten",
    "1,5",
    "1..2",
    ESC,
    LONG,
    "-",
    "½",
    "1" + "0" * 400,
)
WHOLE = (*NUMBERS, "1.5", "1e3", "1/2", "True", "1" + "0" * 30, "-1" + "0" * 30, "-1")
NOWHERE = (
    "",
    "\0",
    "a\0b",
    "~nobody/x",
    "nowhere/at/all",
    LONG,
    f"{LONG}/{LONG}",
    ESC,
    BIDI,
    LINES,
    BYTES,
    "table.csv/x",
)
# What a place that is read from may lead to instead; all of these lie in the working folder, but the last.
RUN = (
    *NOWHERE,
    "pets",
    "empty",
    "pipe",
    "loop",
    "table.csv",
    "text.txt",
    "mask.png",
    "shard.tar",
    "/dev/null",
    "-",
    "digits",
)
SOURCE = (
    *NOWHERE,
    *("empty", "pipe", "loop", "table.csv", "text.txt", "code.json", "run", "/dev/null", "-", ":", "::"),
    *("digits:nowhere", "pets:train", "digit", "scenes:train:test", "https://example.org/pets.zip"),
)
TABLE = (
    *NOWHERE,
    "empty",
    "pets",
    "pipe",
    "loop",
    "mask.png",
    "text.txt",
    "code.json",
    "shard.tar",
    "/dev/null",
    "-",
)
MASK = (*NOWHERE, "empty", "pets", "pipe", "loop", "table.csv", "text.txt", "/dev/null", "-", "center")
FILE = (
    "\0",
    "a\0b",
    "~nobody/x",
    LONG,
    f"{LONG}/x",
    "table.csv/x",
    "pets",
    ".",
    "/",
    "pipe",
    "pipe/x",
    "loop",
    "loop/x",
)
MIRROR = (
    *("", "\0", "~nobody/x", LONG, f"{LONG}/x", "table.csv", "table.csv/x", "pipe", "pipe/x", "loop", "loop/x"),
    *("new", "new/copy", ".", "s3://", "://", "nowhere://bucket/run", "s3://key:secret@bucket/run"),
    *("https://example.org/run?key=secret", "simplecache::file://copy", f"{ESC}://bucket/run", f"s3://{BYTES}"),
)
FOLDER = (*FILE, "table.csv", "run")  # where a file would be replaced
NAME = ("", "\0", "nowhere", "os.path", "../run", "/etc/passwd", "pets.py", ESC, BIDI, LINES, BYTES, LONG, "=1+1")
SETTINGS = (
    *(
        "",
        "=",
        "=5",
        "latent",
        "latent=",
        "latent=nan",
        "latent=1e9",
        "latent=-1",
        "latent=1.5",
        "latent=0x10",
        "nowhere=1",
    ),
    *(
        "net=os.path",
        "net=",
        "net.kind.x=1",
        "net.widths=0",
        "net.widths=-1",
        "net.widths=ten",
        "net.widths=1e9",
        "net.up=1",
    ),
    *(
        "optimiser=5",
        "optimiser.rate=nan",
        "optimiser.rate=inf",
        "optimiser.rate=-1",
        "penalty.weight=1e400",
        "penalty=x.y",
    ),
    *(
        "head=stranger.evil",
        "head.kind=../x",
        "caption=stranger.py",
        "likelihood=\x1b[2J",
        f"{LONG}=1",
        f"latent={LONG}",
        LINES,
    ),
)
OPTIONS = (
    *(
        "",
        "=",
        "reconstruction",
        "reconstruction=1",
        "reconstruction.nowhere=1",
        "nowhere.samples=1",
        "os.path=1",
        "a.b.c=1",
    ),
    *(
        "probe.labels=nan",
        "finetune.epochs=ten",
        "likelihood.samples=",
        f"{LONG}.x=1",
        ESC,
        LINES,
        "../x.y=1",
        "stranger.evil.x=1",
    ),
)
RANGES = (
    *(
        "",
        ",",
        "1",
        "1,",
        ",1",
        "1,2,3",
        "nan,1",
        "0,inf",
        "0,1e400",
        "5,5",
        "9,1",
        "a,b",
        "0x0,0xff",
        "0;255",
        ESC,
        LINES,
    ),
    *("--", LONG, f"0,{LONG}"),
)
AMOUNTS = (
    "",
    "-1",
    "nan",
    "inf",
    "1e400",
    "10x",
    "G",
    "1 G",
    "d",
    "0x10",
    "½",
    ESC,
    LINES,
    LONG,
    "--",
    "10 GB",
    "1,5G",
)
