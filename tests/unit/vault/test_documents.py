"""Document numbers: what is one, what is refused and why, and how they are matched blindly."""

import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.refusal import Invalid
from shared.vault.blind_index import TOKEN_BYTES, BlindIndex
from shared.vault.documents import Document, check_character, normalise, parse_document
from shared.vault.keyring import Key, KeyRing

ID = "11010519491231002X"
"""The example of GB 11643."""


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (ID, ID),
        (ID.lower(), ID),
        (" 110105 19491231 002x ", ID),
        ("110105194912310" + "02X", ID),
        ("110105\u200b19491231002X", ID),
        (ID + "43", ID + "43"),
        (ID + "43b1", ID + "43B1"),
        (ID + "4301", ID + "4301"),
    ],
)
def test_a_number_is_read_however_it_is_typed(text: str, number: str) -> None:
    document = parse_document(text)
    assert (document.number, document.id_number) == (number, ID)
    assert document.is_certificate == (len(number) > 18)
    assert str(document.born_on) == "1949-12-31"
    assert ID not in repr(document)


def with_check(body: str) -> str:
    return body + check_character(body)


@pytest.mark.parametrize(
    "number",
    [
        with_check("37012119900101123"),  # 历城县, abandoned in 1987
        with_check("81000019900101123"),  # a Hong Kong resident's permit
        with_check("83000019900101123"),  # a Taiwan resident's permit
        with_check("91137019900101123"),  # a foreigner's permanent residence
        with_check("37018120000229123"),  # born on a leap day
    ],
)
def test_old_places_and_residence_permits_are_numbers_too(number: str) -> None:
    assert parse_document(number).number == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "length"),
        (ID[:-1], "length"),
        (ID + "4", "length"),
        ("110105491231002", "length"),
        ("1101051949123100XX", "format"),
        ("A10105194912310020", "format"),
        (ID + "X3", "format"),
        ("٣10105194912310029", "format"),
        ("00010519491231002X", "division"),
        ("47010519491231002X", "division"),
        ("11010519491331002X", "birth-date"),
        ("11010519490230002X", "birth-date"),
        ("11010517491231002X", "birth-date"),
        ("110105194912310021", "checksum"),
    ],
)
def test_what_is_none_is_refused_without_being_repeated(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_document(text)
    assert refused.value.code == f"document-number-{code}"
    assert not text or text not in str(refused.value) + refused.value.zh


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        number = parse_document(text).number
    except Invalid:
        return
    assert normalise(number) == number


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(place: int, by: int) -> None:
    digits = list(ID)
    digits[place] = str((int(digits[place]) + by) % 10)
    with pytest.raises(Invalid):
        parse_document("".join(digits))


def ring(current: str = "1", *more: str, algorithm: str = "HMAC-SHA-256") -> KeyRing:
    length = 16 if algorithm == "CMAC-SM4" else 32
    keys = {name: Key(algorithm, name.encode() * length) for name in (current, *more)}
    return KeyRing(current, keys)


ALGORITHMS = ["CMAC-AES-256", "CMAC-SM4", "HMAC-SHA-256", "HMAC-SM3"]
PERSON = parse_document(ID)
CERTIFICATE = parse_document(ID + "43")
REISSUED = parse_document(ID + "43B1")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_certificate_matches_its_person(algorithm: str) -> None:
    index = BlindIndex(ring(algorithm=algorithm))
    [identity] = index.tokens(PERSON)
    assert index.identity(PERSON) == index.identity(CERTIFICATE) == identity
    assert index.tokens(CERTIFICATE)[0] == index.tokens(REISSUED)[0] == identity
    assert len({*index.tokens(CERTIFICATE), *index.tokens(REISSUED)}) == 3
    assert {len(token) for token in index.tokens(CERTIFICATE)} == {TOKEN_BYTES}


def test_tokens_depend_on_the_key_and_its_version() -> None:
    first, second = BlindIndex(ring("1")), BlindIndex(ring("2"))
    assert first.tokens(PERSON)[0][:1] == b"\x01"
    assert second.tokens(PERSON)[0][:1] == b"\x02"
    assert first.tokens(PERSON)[0][1:] != second.tokens(PERSON)[0][1:]


def test_while_keys_rotate_both_are_stored_and_searched_by() -> None:
    before, during, after = (BlindIndex(ring(*names)) for names in (("1",), ("2", "1"), ("2",)))
    assert set(during.tokens(PERSON)) == {*before.tokens(PERSON), *after.tokens(PERSON)}
    assert set(during.tokens(PERSON)) < set(during.tokens(CERTIFICATE))
    assert (during.version, during.versions) == (2, {1, 2})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(st.lists(st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True), max_size=5))
def test_many_numbers_have_each_the_token_it_has_alone(algorithm: str, numbers: list[str]) -> None:
    index = BlindIndex(ring(algorithm=algorithm))
    [made] = index.tokens_of([number.encode() for number in numbers])
    assert made == [index.identity(Document(number)) for number in numbers]


@pytest.mark.parametrize(
    ("algorithm", "cipher"), [("CMAC-AES-256", algorithms.AES), ("CMAC-SM4", algorithms.SM4)]
)
@given(
    st.from_regex(r"[0-9]{17}[0-9X]([0-9]{2}(B[0-9])?)?", fullmatch=True),
    st.binary(min_size=32, max_size=32),
)
def test_a_token_is_the_cmac_of_its_block(
    algorithm: str, cipher: type[algorithms.AES | algorithms.SM4], number: str, key: bytes
) -> None:
    """As another implementation of SP 800-38B makes it."""
    key = key[:16] if algorithm == "CMAC-SM4" else key
    index = BlindIndex(KeyRing("1", {"1": Key(algorithm, key)}))
    cmac = CMAC(cipher(key))
    cmac.update(bytes.fromhex("01" + number.replace("X", "A").ljust(30, "F")))
    assert index.tokens(Document(number))[-1] == b"\x01" + cmac.finalize()


def test_a_token_is_the_same_for_ever() -> None:
    assert BlindIndex(ring()).identity(Document(ID)).hex() == ("01ddb7138871a688e9baced9dc489d02ee")
