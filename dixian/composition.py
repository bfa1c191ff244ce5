"""Puts the services together from their settings: which parts of which service run here."""

import importlib
from typing import Protocol, cast

from dixian.errors import CannotStart
from dixian.hosting import Hosted
from dixian.issuer import IssuerSettings, RefusedInProduction, create_issuer
from dixian.layout import CONSOLE, ISSUER, port_of, worker_port
from dixian.settings import DatabaseSettings, ProcessSettings
from shared.bus.port import Broker
from shared.evidence.settings import EvidenceSettings, NotChosen
from shared.store.migrate import Schema
from shared.vault.ciphers import CipherUnavailable
from shared.vault.keyring import KeyFileFault
from shared.vault.master_key import KeysUnavailable, UnknownMasterKey
from shared.vault.settings import VaultSettings
from shared.web.access import UnsafeAccess
from shared.web.service import Service, ServiceSettings
from shared.web.settings import Mode, OidcSettings, WebSettings

_UNFIT = (UnsafeAccess, KeyFileFault, CipherUnavailable, KeysUnavailable, UnknownMasterKey)
"""What settings are refused with, or an HSM that has no key of ours."""


class Create(Protocol):
    """Makes a service; it is not yet started."""

    def __call__(self, settings: ServiceSettings, *, broker: Broker) -> Service:
        """Connect nothing yet: ``Service.start`` does."""
        ...


class ServiceModule(Protocol):
    """``services/<name>/main.py``."""

    SCHEMA: Schema
    create: Create


def module(name: str) -> ServiceModule:
    """A service's composition root; a process loads the code of the services it runs only."""
    return cast("ServiceModule", importlib.import_module(f"services.{name}.main"))


def settings_of(name: str, member: str = "") -> ServiceSettings:
    """A service's settings from the environment. Raises ``CannotStart``, ``ValidationError``."""
    web, evidence = WebSettings(), EvidenceSettings()
    try:
        evidence.clamd(production=web.mode is Mode.PRODUCTION)
    except NotChosen as error:
        raise CannotStart(str(error)) from error
    return ServiceSettings(
        name=name,
        database_url=DatabaseSettings().writer(name),
        web=web,
        oidc=OidcSettings(),
        vault=VaultSettings(),
        evidence=evidence,
        member=member or name,
    )


def create(name: str, broker: Broker, member: str = "") -> Service:
    """A service, not started. Raises ``CannotStart`` for settings that would not be safe."""
    try:
        return module(name).create(settings_of(name, member), broker=broker)
    except _UNFIT as error:
        raise CannotStart(str(error)) from error


def whole(name: str, broker: Broker) -> Hosted:
    """A service with everything it has, in this process."""
    service = create(name, broker)
    return Hosted(service, ProcessSettings().host, port_of(name))


def http(name: str, broker: Broker, replica: int) -> Hosted:
    """The API of a service; replicas share the port."""
    service = create(name, broker, f"{name}-http-{replica}")
    return Hosted(service, ProcessSettings().host, port_of(name), works=False, shared_port=True)


def worker(name: str, broker: Broker, replica: int) -> Hosted:
    """The workers of a service, and its health on a port of their own."""
    service = create(name, broker, f"{name}-worker-{replica}")
    return Hosted(service, ProcessSettings().host, worker_port(name, replica), serves=False)


def issuer() -> Hosted:
    """The demo's own issuer. Raises ``CannotStart`` in production mode."""
    settings = IssuerSettings()
    try:
        app = create_issuer(settings, WebSettings().mode)
    except RefusedInProduction as error:
        raise CannotStart(str(error)) from error
    return Hosted(Service(ISSUER, app), ProcessSettings().host, port_of(ISSUER))


def console() -> Hosted:
    """The pages. Raises ``CannotStart`` when the key of the sessions cannot be used."""
    make = importlib.import_module("services.console.main")
    settings = importlib.import_module("services.console.settings").ConsoleSettings()
    try:
        service = make.create(settings, WebSettings(), OidcSettings())
    except make.KeyFault as error:
        raise CannotStart(str(error)) from error
    return Hosted(service, ProcessSettings().host, port_of(CONSOLE))
