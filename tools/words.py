"""Words that the project does not use, in what is neither a page nor a docstring: messages, comments, code blocks of
pages, and names. `tools/prose.py` prints where they stand."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAID = {  # pattern -> what to write, in messages, comments, code blocks and the explorer's files
    r"\bpictur(?:es?|ed)\b": "image, or sheet where it is drawn",
    r"\bso many\b(?! that\b)": "a plain number, N, or this many",
    r"\bwhoever it is\b": "whichever it is",
    r"\bstrangers\b(?!')": "other images",
    r"\b(?:px|pixels) a side\b": "size in px, or N x N px",
    r"\b(?:latent|code) numbers?\b": "latent dimension",
    r"\bnumbers? of (?:a|the|its|their) codes?\b": "latent dimension, or values of a code",
    r"\bdraws? of (?:a|the|its|their) codes?\b": "sample of the code",
    r"\btold (?:apart|by)\b": "recognised, predicted, or known by",
    r"\btells? (?:the )?(?:labels|classes|fakes)\b": "predicts, separates, or recognises",
}
MESSAGES = {r"\b(?:teach(?:es)?|taught)\b": "train, learn from, pseudo-label", **SAID}  # what a terminal or page shows
NAMES = {r"pictur": "image, or sheet where it is drawn"}  # in a file's names too, of variables as of the file itself
FORMER = {  # files that know what earlier versions wrote, and the words that they know it by
    "src/latelier/config/renamed.py": "pictur|strangers|told",
    "src/latelier/data/sources/own.py": "pictur",
    "src/latelier/explore/static/lib/address.js": "pictur",
    "src/latelier/heads/unlabelled.py": "taught",  # of a buffer in checkpoints
    "src/latelier/sheets/__init__.py": "pictur",
    "tests/config/test_renamed.py": "pictur",
    "tests/explore/test_browser_panels.py": "pictur",
    "tests/test_prose.py": "",
}


def messages(code: str) -> str:
    """The strings of a Python file at the lines where they begin, without docstrings."""
    tree, lines = ast.parse(code), dict[int, str]()
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    for node in sorted(strings, key=lambda node: (node.lineno, node.col_offset)):
        if id(node) not in alone:
            lines[node.lineno] = f"{lines.get(node.lineno, '')} {' '.join(str(node.value).split())}"
    return at_lines(lines)


def comments(code: str) -> str:
    """The comments of a Python file at their lines."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return at_lines({token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT})


def at_lines(lines: dict[int, str]) -> str:
    """Texts by the numbers of their lines, as one text."""
    return "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))


def blocks_of(text: str) -> str:
    """The code blocks of a page, fenced or indented, at their lines."""
    lines, fenced = [], False
    for line in text.split("\n"):
        fence = line.startswith("```")
        fenced ^= fence
        lines.append(line if not fence and (fenced or line.startswith("    ")) else "")
    return "\n".join(lines)


def read() -> Iterator[tuple[str, str, dict[str, str]]]:
    """File, what is read of it, and the words that may not stand there."""
    for path in (path for folder in ("src", "benchmarks", "tools", "tests") for path in _files(folder, "*.py")):
        name, code = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        folder = name.partition("/")[0]
        if folder != "tools":  # where the words stand to be looked for
            yield name, code, NAMES
        if folder == "src":
            yield name, messages(code), MESSAGES
        if folder != "tests":
            yield name, comments(code), SAID
    for path in (*_files("src", "*.js"), *_files("src", "*.html")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"), {**SAID, **NAMES}
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *_files("docs", "*.md")):
        yield path.relative_to(ROOT).as_posix(), blocks_of(path.read_text(encoding="utf-8")), SAID


def known(name: str, fault: str) -> bool:
    """Whether a fault stands where a word of earlier versions has to stand."""
    return name in FORMER and bool(re.search(FORMER[name], fault, re.IGNORECASE))


def _files(folder: str, pattern: str) -> list[Path]:
    return sorted((ROOT / folder).rglob(pattern))
