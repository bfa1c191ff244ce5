"""The master key in a device, against SoftHSM itself, with no mock between."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from pkcs11 import Attribute
from pkcs11.exceptions import PKCS11Error

from shared.kernel.ids import new_id
from shared.store.database import Database
from shared.vault.ciphers import Tampered
from shared.vault.hsm import Device, HsmMasterKey
from shared.vault.keyring import KeyFileFault
from shared.vault.master_key import (
    FileMasterKey,
    KeysUnavailable,
    MasterKey,
    MovedMasterKey,
    UnknownMasterKey,
    Wrapped,
)
from shared.vault.settings import VaultSettings, create_missing_keys, open_master_key
from shared.vault.settings import device as device_of
from shared.vault.vault import Vault
from tests.integration.vault.conftest import Urls
from tests.integration.vault.test_vault import MASKED, masked, member, put, table

_MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/libsofthsm2.so")
_PIN = "4711"


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library. What CI must have, another machine may lack, and says so."""
    found = next((Path(module) for module in _MODULES if Path(module).exists()), None)
    if found is None:
        lacking = "softhsm2 is not installed: the HSM's side of the vault is not tested here"
        assert not os.environ.get("REQUIRE_HSM"), lacking
        pytest.skip(lacking)
    # The library reads its configuration, and which tokens there are, once a process.
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home}/tokens\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    pins = ["--so-pin", _PIN, "--pin", _PIN]
    made = ["softhsm2-util", "--init-token", "--free", "--label", "dixian", *pins]
    subprocess.run(made, check=True, capture_output=True)
    return found


@pytest.fixture
def settings(softhsm: Path, tmp_path: Path) -> VaultSettings:
    """Keys of each test's own, on the one token."""
    pin = tmp_path / "pin"
    pin.touch(mode=0o600)
    pin.write_text(f"{_PIN}\n")
    return VaultSettings(
        master_key_file=tmp_path / "master.key",
        index_key_file=tmp_path / "index.key",
        pkcs11_module=softhsm,
        pkcs11_label=f"master-{new_id()}",
        pkcs11_pin_file=pin,
    )


@pytest.fixture
def device(settings: VaultSettings) -> Iterator[Device]:
    made = device_of(settings)
    made.rotate()
    yield made
    made.close()


async def test_a_data_key_goes_in_and_comes_out_bound_to_its_owner(device: Device) -> None:
    key = HsmMasterKey.opened(device)
    owner, other, secret = UUID(int=1), UUID(int=2), bytes(range(32))
    [wrapped] = await key.wrap([(owner, secret)])
    assert (key.current_id, wrapped.master_key_id) == ("hsm-1", "hsm-1")
    assert secret not in wrapped.blob
    assert await key.unwrap([wrapped, wrapped]) == [secret, secret]
    for forged in (
        Wrapped(other, "hsm-1", wrapped.blob),
        Wrapped(owner, "hsm-1", wrapped.blob[:-1] + bytes([wrapped.blob[-1] ^ 1])),
    ):
        with pytest.raises(Tampered):
            await key.unwrap([forged])
    with pytest.raises(UnknownMasterKey):
        await key.unwrap([Wrapped(owner, "hsm-9", wrapped.blob)])


async def test_the_master_key_does_not_leave_the_device(device: Device) -> None:
    held = device._keys["hsm-1"]
    assert held[Attribute.SENSITIVE] is True
    assert held[Attribute.EXTRACTABLE] is False
    with pytest.raises(PKCS11Error):
        held[Attribute.VALUE]


async def test_a_file_s_keys_move_into_the_device_and_rotate_there(
    database: Database, settings: VaultSettings, device: Device, urls: Urls
) -> None:
    create_missing_keys(settings)
    in_file = settings.model_copy(update={"pkcs11_module": None})
    entries = [member(new_id()) for _ in range(5)]
    await put(database, Vault(open_master_key(in_file)), *entries)

    moved = open_master_key(settings)
    assert isinstance(moved, MovedMasterKey)
    vault = Vault(moved)
    assert list((await masked(database, vault, *entries)).values()) == [MASKED] * 5
    await put(database, vault, member(new_id()))
    await rewrapped(database, vault)
    assert await ids(urls) == ["hsm-1"]

    settings.master_key_file.unlink()
    alone = Vault(open_master_key(settings))
    assert list((await masked(database, alone, *entries)).values()) == [MASKED] * 5

    device.rotate()
    await rewrapped(database, alone)
    assert await ids(urls) == ["hsm-2"]
    device.retire("hsm-1")
    assert list((await masked(database, alone, *entries)).values()) == [MASKED] * 5
    with pytest.raises(ValueError, match="current"):
        device.retire("hsm-2")


async def test_a_session_that_ended_is_opened_again(device: Device) -> None:
    key = HsmMasterKey.opened(device)
    [wrapped] = await key.wrap([(UUID(int=1), bytes(32))])
    device._session.close()
    assert await key.unwrap([wrapped]) == [bytes(32)]


def test_a_device_that_is_away_says_so(settings: VaultSettings, device: Device) -> None:
    gone = settings.model_copy(update={"pkcs11_token": "nowhere"})
    with pytest.raises(KeysUnavailable):
        open_master_key(gone)
    assert settings.pkcs11_pin_file is not None
    settings.pkcs11_pin_file.chmod(0o644)
    with pytest.raises(KeyFileFault, match="chmod 600"):
        open_master_key(settings)


def test_without_a_device_the_file_serves(tmp_path: Path) -> None:
    settings = VaultSettings(
        master_key_file=tmp_path / "master.key", index_key_file=tmp_path / "index.key"
    )
    create_missing_keys(settings)
    key: MasterKey = open_master_key(settings)
    assert isinstance(key, FileMasterKey)


async def rewrapped(database: Database, vault: Vault) -> None:
    done = 1
    while done:
        async with database.transaction() as tx:
            done = await vault.rewrap(tx.raw, limit=2)


async def ids(urls: Urls) -> list[str]:
    found = await table(urls, "select distinct master_key_id from vault.data_key order by 1")
    return [row[0] for row in found]
