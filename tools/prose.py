"""Reads docs, help texts and docstrings for words that the project does not use, and for what proselint knows; and
messages, comments and code blocks for words alone (`words.py`).

    python tools/prose.py

Prints `file:line: what was found: what to write`, and ends with 1 where anything was. Of prose, what stands in
backticks is not read.
"""

import ast
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import words

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "benchmarks/README.md", "docs/**/*.md")
STYLE = {  # pattern -> what to write
    r"(?<![-/\w])pictures?(?![-/\w])": "image, or sheet where it is drawn",
    r"\bso many\b": "a plain number, or N",
    r"\bwhoever it is\b": "whichever it is",
    r"\bstrangers\b(?!')": "other images",
    r"\bcoming in\b": "say where it comes from",
    r"\bof which such\b": "a sentence of its own",
    r"\bpixels a side\b": "size in pixels",
    r"\blatent numbers?\b": "latent dimension",
}
DOCSTRINGS = {  # the same for docstrings of the package, which may be terse
    r"\bso many\b": "this many, or the argument's name",
    r"\bwhoever\b": "who or what it is",
    r"\bnobody\b": "what is not done, or no process, no image",
    r"\bfor what is none\b": "what it is not",
    r"\btold (?:by|from|of)\b": "known by, predicted from, said of",
}
FIGURES = 9  # numbers in one sentence, from which on they belong into a table
NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?|(?<![\w.])\.\d+")
CODE = re.compile(r"`[^`]*`|!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)")  # and images and addresses of links
CHECKS = {"typography": False, "lexical_illusions": False, "annotations": False, "dates_times": False}


def prose(text: str) -> str:
    """The text with all code blanked, line by line."""
    lines, fenced = [], False
    for line in text.split("\n"):
        fence = line.startswith("```")
        fenced ^= fence
        lines.append("" if fence or fenced or line.startswith("    ") else line)
    return blanked("\n".join(lines))


def blanked(text: str) -> str:
    """The text with spaces in place of what stands in backticks."""
    return CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def helps() -> dict[str, str]:
    """File -> the docstring of its verb, which `latelier VERB --help` prints, at the lines where it stands."""
    found = {}
    for path in sorted((ROOT / "src" / "latelier" / "verbs").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        verbs = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == path.stem]
        if verbs and (said := ast.get_docstring(verbs[0])):
            found[path.relative_to(ROOT).as_posix()] = "\n" * verbs[0].body[0].lineno + said
    return found


def docstrings() -> dict[str, str]:
    """File of the package -> all its docstrings, at the lines where they stand."""
    found = {}
    for path in sorted((ROOT / "src" / "latelier").rglob("*.py")):
        lines: dict[int, str] = {}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                said = ast.get_docstring(node, clean=False) or ""
                lines |= dict(enumerate(said.split("\n"), node.body[0].lineno))
        if lines:
            found[path.relative_to(ROOT).as_posix()] = words.at_lines(lines)
    return found


def misused(name: str, text: str, style: dict[str, str]) -> Iterator[str]:
    """The words of a style that are found in prose."""
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, instead in style.items():
            for found in re.finditer(pattern, line, re.IGNORECASE):
                yield f'{name}:{number}: "{found[0]}": {instead}'


def faults(name: str, text: str) -> Iterator[str]:
    """What is found in prose."""
    yield from misused(name, text, STYLE)
    paragraphs = re.finditer(r"(?:^[^|\n#].*\n?)+", text, re.MULTILINE)
    for paragraph in paragraphs:
        for sentence in re.split(r"(?<=[.:;])\s+(?=[-A-Z`*(])|\n\s*[-*] ", paragraph[0]):
            if len(NUMBER.findall(sentence)) >= FIGURES and "arXiv" not in sentence:  # years and equations
                number = text.count("\n", 0, paragraph.start()) + 1
                yield f"{name}:{number}: {FIGURES} figures or more in a sentence: a table ({sentence[:60]!r})"


def known_to_proselint(texts: dict[str, str]) -> Iterator[str]:
    """What proselint finds in them."""
    with tempfile.TemporaryDirectory() as place:
        config = Path(place) / "config.json"
        config.write_text(json.dumps({"max_errors": 1000, "checks": CHECKS}))
        paths = {}
        for number, (name, text) in enumerate(texts.items()):
            path = Path(place) / f"{number}.md"
            path.write_text(text, encoding="utf-8")
            paths[str(path)] = name
        command = [sys.executable, "-m", "proselint", "check", "--config", str(config), *paths]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        for line in said.splitlines():
            file, _, rest = line.partition(".md:")
            if f"{file}.md" in paths:
                yield f"{paths[f'{file}.md']}:{rest}"


def main() -> int:
    """How many faults there are, each printed."""
    pages = sorted(path for pattern in PAGES for path in ROOT.glob(pattern))
    texts = {path.relative_to(ROOT).as_posix(): prose(path.read_text(encoding="utf-8")) for path in pages}
    texts |= {name: prose(text) for name, text in helps().items()}
    found = [fault for name, text in texts.items() for fault in faults(name, text)]
    found += known_to_proselint(texts)
    inside = docstrings()
    found += [fault for name, text in inside.items() for fault in misused(name, blanked(text), DOCSTRINGS)]
    for name, text, style in words.read():
        found += [fault for fault in misused(name, text, style) if not words.known(name, fault.partition(": ")[2])]
    print("\n".join(found) or f"{len(texts)} pages and help texts read, and the docstrings of {len(inside)} files")
    return len(found)


if __name__ == "__main__":
    sys.exit(min(1, main()))
