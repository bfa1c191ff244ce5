"""Key files: made once, private, whole or not at all."""

import stat
from pathlib import Path
from uuid import UUID

import pytest

from shared.vault.blind_index import BlindIndex
from shared.vault.ciphers import CipherName, must_be_available, sealer
from shared.vault.keyring import KeyFile, KeyFileFault, KeyRing
from shared.vault.master_key import FileMasterKey
from shared.vault.settings import VaultSettings, create_missing_keys, open_vault


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "master.key"


def test_a_file_is_made_once_and_only_for_its_owner(path: Path) -> None:
    made = KeyRing.load_or_create(path, "AES-256-GCM")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing.load_or_create(path, "AES-256-GCM") == KeyRing.load(path) == made
    with pytest.raises(FileExistsError):
        KeyRing.create(path, "AES-256-GCM")


def test_a_rotation_keeps_the_former_keys(path: Path) -> None:
    first = KeyRing.create(path, "AES-256-GCM")
    second = first.rotated(path, "SM4-GCM")
    assert KeyRing.load(path) == second
    assert (second.current, second.keys["1"]) == ("2", first.keys["1"])
    assert [key.algorithm for key in second.keys.values()] == ["AES-256-GCM", "SM4-GCM"]
    third = second.without(path, "1")
    assert list(KeyRing.load(path).keys) == list(third.keys) == ["2"]
    with pytest.raises(ValueError, match="current"):
        third.without(path, "2")
    assert [item.name for item in path.parent.iterdir()] == ["master.key"]


def test_a_key_does_not_show_itself(path: Path) -> None:
    ring = KeyRing.create(path, "HMAC-SM3")
    assert repr(ring.keys["1"]) == "Key(HMAC-SM3, …)"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"current": "1", "keys": {}}',
        '{"current": "1", "keys": {"1": "x"}}',
        '{"current": "1", "keys": {"1": {"algorithm": "AES-256-GCM", "key": "c2hvcnQ="}}}',
        '{"current": "1", "keys": {"1": {"algorithm": "ROT13", "key": "c2hvcnQ="}}}',
        '{"current": "1", "keys": {"1": {"algorithm": "AES-256-GCM", "key": "!"}}}',
    ],
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "master.key"
    path.touch(mode=0o600)
    path.write_text(content)
    with pytest.raises(KeyFileFault) as fault:
        KeyRing.load(path)
    assert "c2hvcnQ" not in str(fault.value)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602])
def test_a_file_that_others_can_read_or_change_is_refused(path: Path, mode: int) -> None:
    KeyRing.create(path, "AES-256-GCM")
    path.chmod(mode)
    with pytest.raises(KeyFileFault, match="chmod 600"):
        KeyRing.load(path)


def test_a_mounted_secret_may_be_readable_by_its_group(path: Path) -> None:
    KeyRing.create(path, "AES-256-GCM")
    path.chmod(0o440)
    assert KeyRing.load(path).current == "1"


def test_a_missing_file_is_a_fault_with_its_name(path: Path) -> None:
    with pytest.raises(KeyFileFault, match=r"master\.key: cannot be read"):
        KeyRing.load(path)


@pytest.mark.parametrize("cipher", list(CipherName))
def test_the_settings_open_a_vault_and_its_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cipher: CipherName
) -> None:
    monkeypatch.setenv("DIXIAN_MASTER_KEY_FILE", str(tmp_path / "master.key"))
    monkeypatch.setenv("DIXIAN_INDEX_KEY_FILE", str(tmp_path / "index.key"))
    monkeypatch.setenv("DIXIAN_VAULT_CIPHER", cipher.value)
    settings = VaultSettings()
    assert settings.cipher is cipher
    create_missing_keys(settings)
    create_missing_keys(settings)
    _, index = open_vault(settings)
    assert index.version == 1
    assert KeyRing.load(settings.index_key_file).keys["1"].algorithm == settings.index_algorithm


@pytest.mark.parametrize("cipher", list(CipherName))
def test_both_ciphers_are_here_and_take_only_their_keys(cipher: CipherName) -> None:
    must_be_available(cipher)
    with pytest.raises(ValueError, match="takes a key"):
        sealer(cipher, b"short")


def test_sm4_gcm_is_the_standard_s() -> None:
    """RFC 8998, appendix A.1."""
    nonce = bytes.fromhex("00001234567800000000ABCD")
    place = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = b"".join(bytes([byte] * 8) for byte in b"\xaa\xbb\xcc\xdd\xee\xff\xee\xaa")
    sm4 = sealer(CipherName.SM4_GCM, bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    sealed = sm4.seal(nonce, plain, place)
    assert sealed.hex().upper() == (
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert sm4.open(nonce, sealed, place) == plain


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_running_process_learns_of_a_rotation_within_a_second(path: Path) -> None:
    first = KeyRing.create(path, "AES-256-GCM")
    hands = Hands()
    file = KeyFile(path, elapsed=hands)
    second = first.rotated(path)
    assert file.look() == first
    hands.at = 1.0
    assert file.look() == second
    third = second.rotated(path)
    assert file.look() == second
    assert file.look(now=True) == third


def test_a_file_that_becomes_unreadable_changes_nothing(path: Path) -> None:
    known = KeyRing.create(path, "AES-256-GCM")
    file = KeyFile(path)
    path.write_text("{}")
    assert file.look(now=True) == known
    path.unlink()
    assert file.look(now=True) == known


async def test_a_key_that_another_process_learnt_of_first_opens_at_once(path: Path) -> None:
    ring = KeyRing.create(path, "AES-256-GCM")
    ours = FileMasterKey(KeyFile(path, elapsed=Hands()))
    theirs = FileMasterKey(ring.rotated(path))
    owner = UUID(int=1)
    wrapped = await theirs.wrap([(owner, bytes(32))])
    assert (ours.current_id, wrapped[0].master_key_id) == ("1", "2")
    assert await ours.unwrap(wrapped) == [bytes(32)]
    assert ours.current_id == "2"


def test_the_index_follows_its_file(path: Path) -> None:
    hands = Hands()
    ring = KeyRing.create(path, "HMAC-SHA-256")
    index = BlindIndex(KeyFile(path, elapsed=hands))
    ring.rotated(path).without(path, "1")
    hands.at = 2.0
    assert index.versions == {2}
