"""The word lists of tools/prose.py: what is read for them, and what is found."""

from pathlib import Path

import prose
import pytest
import words

CODE = '''"""A picture in a docstring is read elsewhere."""

SIZE = 8  # pixels a side


def shown(count: int) -> str:
    """So many pictures."""
    return f"{count} pictures, " + "drawn " "so many times"
'''


def found(name: str, text: str, style: dict[str, str]) -> list[str]:
    return [fault.partition(": ")[2].partition(":")[0] for fault in prose.misused(name, text, style)]


def test_messages_are_the_strings_that_are_no_docstrings() -> None:
    text = words.messages(CODE)
    assert "docstring" not in text
    assert "So many pictures" not in text
    assert text.split("\n")[7].split() == ["pictures,", "drawn", "so", "many", "times"]  # at its line
    assert found("a.py", text, words.MESSAGES) == ['"pictures"', '"so many"']


def test_comments_stand_at_their_lines() -> None:
    assert words.comments(CODE) == "\n\n# pixels a side"
    assert found("a.py", words.comments(CODE), words.SAID) == ['"pixels a side"']


def test_of_a_page_the_code_blocks_are_read_fenced_and_indented() -> None:
    page = "A picture.\n\n    latelier train vae --data my-pictures\n\n```text\nso many\n```\nso many\n"
    assert words.blocks_of(page) == "\n\n    latelier train vae --data my-pictures\n\n\nso many\n\n\n"
    assert found("a.md", words.blocks_of(page), words.SAID) == ['"pictures"', '"so many"']
    assert "my-pictures" not in prose.prose(page)  # which is read for prose


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("a picture", "picture"),
        ("of which so many", "so many"),
        ("at most 32 px a side", "px a side"),
        ("the number of code numbers", "code numbers"),
        ("numbers of a code", "numbers of a code"),
        ("50 draws of the code", "draws of the code"),
        ("fakes told apart", "told apart"),
        ("it tells the labels", "tells the labels"),
        ("its verdict teaches little", "teaches"),
    ],
)
def test_each_word_is_found(said: str, word: str) -> None:
    assert found("a.py", said, words.MESSAGES) == [f'"{word}"']


@pytest.mark.parametrize("said", ["images", "latent dimensions", "draws of the prior", "what it says of labels"])
def test_the_fields_words_are_not(said: str) -> None:
    assert found("a.py", said, words.MESSAGES) == []


def test_names_hold_the_word_in_any_form() -> None:
    assert found("a.py", "my_pictures = Picture()", words.NAMES) == ['"pictur"', '"Pictur"']


def test_only_files_that_read_earlier_versions_may_say_their_words() -> None:
    assert words.known("src/latelier/sheets/__init__.py", '"Pictur": image')
    assert not words.known("src/latelier/sheets/__init__.py", '"so many": N')
    assert not words.known("src/latelier/sheets/sheet.py", '"pictur": image')
    assert all((words.ROOT / name).is_file() for name in words.FORMER)


def test_messages_comments_and_names_of_every_folder_are_read() -> None:
    read = {(Path(name).suffix, style.keys() <= words.NAMES.keys()) for name, _, style in words.read()}
    assert read == {(".py", True), (".py", False), (".js", False), (".html", False), (".md", False)}
