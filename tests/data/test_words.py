"""How texts are taken apart, and how words are numbered."""

import unicodedata

import pytest

from latelier.data.words import END, PADDING, SPECIAL, UNKNOWN, Vocabulary, words_of


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
        ("一个红色的圆，在左边3个", "一 个 红 色 的 圆 在 左 边 3 个"),
        ("らーめんとカレー", "らー め ん と カレー"),
        ("Tシャツの猫・犬", "t シャツ の 猫 犬"),
        ("แมวสีดำ 2 ตัว", "แม ว สี ดำ 2 ตั ว"),
        ("ແມວສີດຳ", "ແມ ວ ສີ ດຳ"),
        ("ភាសាខ្មែរ", "ភា សា ខ្មែ រ"),
        ("မြန်မာစာ", "မြ န် မာ စာ"),
        ("고양이 한 마리", "고양이 한 마리"),
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


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("一个 红色的圆", "一个红色的圆"),
        ("左边有3个 red 圆", "左边有 3 个 red 圆"),
        ("テスト ケースの猫", "テスト ケースの猫"),
        ("らーめん", "らーめん"),
        ("แมวสีดำ", "แมวสีดำ"),
        ("ភាសាខ្មែរ", "ភាសាខ្មែរ"),
        ("a dog 🐶 here", "a dog 🐶 here"),
    ],
)
def test_a_text_is_written_back_as_its_script_is(text: str, written: str) -> None:
    vocabulary = Vocabulary.of([text])
    found = vocabulary.text(vocabulary.tokens(text, 40))
    assert found == written
    assert words_of(found) == words_of(text)


def test_vocabularies_of_earlier_versions_have_whole_sentences_as_words() -> None:
    earlier = Vocabulary((*SPECIAL, "一个红色的圆", "猫"))
    assert earlier.tokens("一个红色的圆。猫", 5) == [3, 4, END]
    assert earlier.text([3, 4]) == "一个红色的圆猫"
    assert earlier.tokens("红猫", 5) == [UNKNOWN, 4, END]
