"""Builds the source archive and the wheel, checks both, and runs the demo from the wheel where nothing of the clone is.

    make wheel

What is built lies in dist/. The bare environment is made in a temporary folder, with the versions of constraints.txt;
LATELIER_TORCH=system lets it see the torch that this environment's Python has.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"


def main() -> None:
    """Raises CalledProcessError for a step that fails."""
    check_tag()
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT))
    built = sorted(DIST.iterdir())
    run(sys.executable, "-m", "twine", "check", "--strict", *map(str, built))
    (wheel,) = (path for path in built if path.suffix == ".whl")
    with tempfile.TemporaryDirectory() as place:
        bare = Path(place) / "bare"
        venv.create(bare, with_pip=True)
        python = bare / ("Scripts" if os.name == "nt" else "bin") / "python"
        run(str(python), "-m", "pip", "install", "--quiet", "--constraint", str(pinned(Path(place))), str(wheel))
        run(str(python), "-m", "latelier", "demo", "--out", str(Path(place) / "demo"), inside=place)
        run(str(python), "-m", "latelier", "reproduce", "lecture/two-points", "--out", f"{place}/points", inside=place)


def check_tag() -> None:
    """A release is a commit with the tag of its version: raises SystemExit where the tag says another."""
    tags = subprocess.run(["git", "tag", "--points-at"], cwd=ROOT, check=True, capture_output=True, text=True)
    version = re.search(r'__version__ = "(.+)"', (ROOT / "src" / "latelier" / "__init__.py").read_text("utf-8"))
    if version is None or [tag for tag in tags.stdout.split() if tag[:1] == "v" and tag != f"v{version[1]}"]:
        raise SystemExit(f"this commit is tagged {tags.stdout.split()}, and the package says {version and version[1]}")


def pinned(place: Path) -> Path:
    """constraints.txt without its hashes, which pip would ask of the wheel too."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    path = place / "constraints.txt"
    names = "".join(f"{line.removesuffix(chr(92)).strip()}\n" for line in lines if not line.startswith(" "))
    path.write_text(names, encoding="utf-8")
    return path


def run(*command: str, inside: str | None = None) -> None:
    """Runs a command, of which nothing of this environment is seen."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    subprocess.run(command, check=True, cwd=inside, env=environment)


if __name__ == "__main__":
    main()
