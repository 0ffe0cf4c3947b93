"""How texts are taken apart, and how words are numbered."""

import unicodedata

import pytest

from latelier.data.words import END, PADDING, UNKNOWN, Vocabulary, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A dog , and a CAT .", "a dog and a cat"),
        ("a tri-colored dog's ball - red", "a tri-colored dog's ball red"),
        ("'quoted' rock'n'roll --", "quoted rock'n'roll"),
        ("the dog’s “bone”…", "the dog’s bone"),
        ("Käse im Café", "käse im café"),
        (unicodedata.normalize("NFD", "Käse im Café"), "käse im café"),
        ("हिन्दी में", "हिन्दी में"),
        ("テスト", "テスト"),
        ("a dog🐶🐶 for 5€", "a dog 🐶 🐶 for 5 €"),
        ("I ❤️ it", "i ❤ it"),
        ("one_two  three\n\tfour", "one two three four"),
    ],
)
def test_words_of(text: str, words: str) -> None:
    assert words_of(text) == words.split()


@pytest.mark.parametrize("text", ["", " \n", ".", "... -- !?", "\ufe0f"])
def test_some_texts_have_no_words(text: str) -> None:
    assert words_of(text) == []
    assert Vocabulary.of(["a"]).tokens(text, 5) == []


def test_the_most_frequent_word_comes_first_and_seldom_ones_are_unknown() -> None:
    vocabulary = Vocabulary.of(["b a b", "c b a", "d."], least=2)
    assert vocabulary.words == ("<padding>", "<end>", "<unknown>", "b", "a")
    assert vocabulary.tokens("A, b; c", 5) == [4, 3, UNKNOWN, END]
    assert vocabulary.text([4, 3, UNKNOWN, END, 3, PADDING]) == "a b <unknown>"
    assert vocabulary.text([3, PADDING]) == "b"


def test_what_is_too_long_is_cut_and_has_no_end() -> None:
    vocabulary = Vocabulary.of(["a b"])
    assert vocabulary.tokens("a b a", 3) == [3, 4, 3, END]
    assert vocabulary.tokens("a b a b", 3) == [3, 4, 3]
    assert len(vocabulary.tokens("a " * 10_000, 40)) == 40
