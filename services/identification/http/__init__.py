"""The door: what this service can do and be asked, a file a subject.

``acts`` lists every act on a case; ``cases``, ``households``, ``heads``, ``notices``, ``policies``
and ``oversight`` hold the queries and the few commands that are not acts on a case.
"""

from services.identification.http import (
    acts,
    cases,
    heads,
    households,
    notices,
    oversight,
    policies,
)
from shared.policy.divisions import Divisions
from shared.store.application import Application
from shared.vault.vault import Vault
from shared.web.routing import Router


def router(application: Application, *, vault: Vault, divisions: Divisions) -> Router:
    """All routes of the service."""
    made = Router(tags=["identification"])
    acts.register(made, application)
    cases.register(made, application)
    households.register(made, application, vault, divisions)
    heads.register(made, application, vault)
    notices.register(made, application, vault)
    policies.register(made, application, divisions)
    oversight.register(made, application)
    return made


__all__ = ["router"]
