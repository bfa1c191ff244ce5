"""Where the vault's keys are and which algorithms it uses."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.vault.blind_index import BlindIndex
from shared.vault.ciphers import CipherName
from shared.vault.hsm import PREFIX, Device, HsmMasterKey
from shared.vault.keyring import KeyFile, KeyFileFault, KeyRing, private_text
from shared.vault.master_key import FileMasterKey, MasterKey, MovedMasterKey
from shared.vault.vault import Vault


class VaultSettings(BaseSettings):
    """The vault of every service; all services of an installation share the key files."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_", extra="ignore")

    master_key_file: Path
    """``DIXIAN_MASTER_KEY_FILE``: the keys that wrap the households' keys. With an HSM: the keys
    that did so before, for as long as the file is there."""
    pkcs11_module: Path | None = None
    """``DIXIAN_PKCS11_MODULE``: the library of the HSM or KMS that holds the master key."""
    pkcs11_token: str = "dixian"  # noqa: S105 - a label
    """``DIXIAN_PKCS11_TOKEN``: the token's label."""
    pkcs11_label: str = "dixian-master"
    """``DIXIAN_PKCS11_LABEL``: the label of our keys on it."""
    pkcs11_pin_file: Path | None = None
    """``DIXIAN_PKCS11_PIN_FILE``: the file with the user's PIN."""
    index_key_file: Path
    """``DIXIAN_INDEX_KEY_FILE``: the keys of the blind index."""
    cipher: CipherName = Field(CipherName.AES_256_GCM, validation_alias="DIXIAN_VAULT_CIPHER")
    """``DIXIAN_VAULT_CIPHER``: of new households' keys; ``AES-256-GCM`` or ``SM4-GCM``."""

    @property
    def index_algorithm(self) -> str:
        """The tokens' own that goes with the cipher: the SM family together, or neither."""
        return "CMAC-SM4" if self.cipher is CipherName.SM4_GCM else "CMAC-AES-256"


def create_missing_keys(settings: VaultSettings) -> None:
    """Make the key files that are not there yet. For the demo's first start, nothing else."""
    KeyRing.load_or_create(settings.master_key_file, settings.cipher.value)
    KeyRing.load_or_create(settings.index_key_file, settings.index_algorithm)


def device(settings: VaultSettings) -> Device:
    """The HSM that the settings name, not yet spoken to. Raises ``KeyFileFault`` without a PIN."""
    pin_file = settings.pkcs11_pin_file
    if settings.pkcs11_module is None or pin_file is None:
        raise KeyFileFault("DIXIAN_PKCS11_MODULE and DIXIAN_PKCS11_PIN_FILE name the HSM")
    return Device(
        settings.pkcs11_module,
        settings.pkcs11_token,
        lambda: private_text(pin_file),
        settings.pkcs11_label,
    )


def open_master_key(settings: VaultSettings) -> MasterKey:
    """The master key: of the HSM where one is named, else of the file.

    Raises ``KeyFileFault``, ``CipherUnavailable``, ``KeysUnavailable`` or ``UnknownMasterKey``.
    """
    if settings.pkcs11_module is None:
        return FileMasterKey(KeyFile(settings.master_key_file))
    held = HsmMasterKey.opened(device(settings))
    if not settings.master_key_file.exists():
        return held
    former = FileMasterKey(KeyFile(settings.master_key_file))
    return MovedMasterKey(held, former, prefix=PREFIX)


def open_vault(settings: VaultSettings) -> tuple[Vault, BlindIndex]:
    """The vault and the index of a process. Raises what ``open_master_key`` raises."""
    index = BlindIndex(KeyFile(settings.index_key_file))
    return Vault(open_master_key(settings), cipher=settings.cipher), index
