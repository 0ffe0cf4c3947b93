"""The public API as HTML pages, made from docstrings: dist/api/index.html.

make docs
"""

import sys
from pathlib import Path

import pdoc

import latelier

OUT = Path(__file__).parents[1] / "dist" / "api"
MODULES = (  # what a user imports, and what a model, a head or a recipe of their own stands on
    *("latelier", "latelier.core", "latelier.core.contract", "latelier.core.capabilities", "latelier.sklearn"),
    *("latelier.bench", "latelier.data.images", "latelier.data.batches", "latelier.learners"),
    *("latelier.nets", "latelier.objectives", "latelier.heads", "latelier.models"),
)


def main(out: Path) -> None:
    """Writes the pages. A public name that does not resolve ends it with an error."""
    for name in latelier.__all__:  # they are imported on use, and pages are made of what is there
        vars(latelier).setdefault(name, getattr(latelier, name))
    pdoc.render.configure(docformat="numpy", footer_text=f"latelier {latelier.__version__}")
    pdoc.pdoc(*MODULES, output_directory=out)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
