"""What a pattern stands for, and which addresses are refused before anything is asked of them."""

import pytest

from latelier.data.remote.patterns import checked, expanded, is_pattern, parted
from latelier.errors import Refusal


@pytest.mark.parametrize(
    ("pattern", "first", "last", "count"),
    [
        ("a-{0000..1023}.tar", "a-0000.tar", "a-1023.tar", 1024),
        ("a-{8..12}.tar", "a-8.tar", "a-12.tar", 5),
        ("{train,val}-{0..1}.tar", "train-0.tar", "val-1.tar", 4),
        ("s3://b/{x,y}/z.tar", "s3://b/x/z.tar", "s3://b/y/z.tar", 2),
        ("plain.tar", "plain.tar", "plain.tar", 1),
    ],
)
def test_braces_stand_for_names_in_their_order(pattern: str, first: str, last: str, count: int) -> None:
    names = expanded(pattern)
    assert (names[0], names[-1], len(names), len(set(names))) == (first, last, count, count)


@pytest.mark.parametrize("pattern", ["a-{0..1.tar", "a-{{0..1}}.tar", "a-{5..1}.tar", "a-{x}.tar", "{0..2000000}.tar"])
def test_other_braces_are_refused(pattern: str) -> None:
    with pytest.raises(Refusal, match=r"brace|understood|rising"):
        expanded(pattern)


def test_many_braces_are_refused_before_they_are_written_out() -> None:
    with pytest.raises(Refusal, match="more than 1,000,000 names"):
        expanded("{0..99999}-{0..99999}.tar")


@pytest.mark.parametrize(
    ("text", "found"),
    [("s3://b/x.tar", True), ("a/*.tar", True), ("{a,b}.tar", True), ("a/b.tar", False), ("C:\\a\\b.tar", False)],
)
def test_patterns_are_told_from_paths(text: str, found: bool) -> None:
    assert is_pattern(text) is found


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("s3://b/x-{0..1}.tar:train", ("s3://b/x-{0..1}.tar", "train")),
        ("s3://b/x.tar", ("s3://b/x.tar", "")),
        ("https://host:8080/x.tar", ("https://host:8080/x.tar", "")),
        ("a/*.tar:val", ("a/*.tar", "val")),
    ],
)
def test_a_split_stands_behind_the_last_colon(text: str, parts: tuple[str, str]) -> None:
    assert parted(text) == parts


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s4://b/x.tar", "s4:// is not read"),
        ("https://me:SECRET@host/x.tar", "a name or a password"),
        ("s3://KEY:SECR/SECRET@bucket/x.tar", "a name or a password"),
        ("https://host/x.tar?X-Amz-Signature=SECRET", "may be a key"),
        ("https://host/x.tar#SECRET", "may be a key"),
    ],
)
def test_an_address_with_a_secret_is_refused_and_the_secret_is_not_shown(address: str, said: str) -> None:
    with pytest.raises(Refusal, match=said) as refusal:
        checked(address)
    assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:80/x.tar", "http://[::1]:80/x.tar", "s3://[ab]-b/x.tar", "hf://datasets/a/b@main/x.tar"],
)
def test_an_address_without_one_is_taken(address: str) -> None:
    assert checked(address) == address
