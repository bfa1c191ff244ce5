"""Where the vault's keys are and which algorithms it uses."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.vault.blind_index import BlindIndex
from shared.vault.ciphers import CipherName
from shared.vault.keyring import KeyRing
from shared.vault.master_key import FileMasterKey
from shared.vault.vault import Vault


class VaultSettings(BaseSettings):
    """The vault of every service; all services of an installation share the key files."""

    model_config = SettingsConfigDict(env_prefix="DIXIAN_", extra="ignore")

    master_key_file: Path
    """``DIXIAN_MASTER_KEY_FILE``: the keys that wrap the households' keys."""
    index_key_file: Path
    """``DIXIAN_INDEX_KEY_FILE``: the keys of the blind index."""
    cipher: CipherName = Field(CipherName.AES_256_GCM, validation_alias="DIXIAN_VAULT_CIPHER")
    """``DIXIAN_VAULT_CIPHER``: of new households' keys; ``AES-256-GCM`` or ``SM4-GCM``."""

    @property
    def index_algorithm(self) -> str:
        """The hash that goes with the cipher: the SM family together, or neither."""
        return "HMAC-SM3" if self.cipher is CipherName.SM4_GCM else "HMAC-SHA-256"


def create_missing_keys(settings: VaultSettings) -> None:
    """Make the key files that are not there yet. For the demo's first start, nothing else."""
    KeyRing.load_or_create(settings.master_key_file, settings.cipher.value)
    KeyRing.load_or_create(settings.index_key_file, settings.index_algorithm)


def open_vault(settings: VaultSettings) -> tuple[Vault, BlindIndex]:
    """The vault and the index of a process. Raises ``KeyFileFault`` or ``CipherUnavailable``."""
    master = FileMasterKey(KeyRing.load(settings.master_key_file))
    index = BlindIndex(KeyRing.load(settings.index_key_file))
    return Vault(master, cipher=settings.cipher), index
