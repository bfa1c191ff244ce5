"""The door: what this service can do and be asked, a file a subject.

``acts`` lists everything that changes something; ``cases``, ``households``, ``heads``,
``posted``, ``policies`` and ``oversight`` hold the queries.
"""

from services.identification.http import (
    acts,
    cases,
    comparison,
    governance,
    heads,
    households,
    imports,
    national,
    notices,
    officers,
    oversight,
    policies,
    posted,
)
from shared.policy.divisions import Divisions
from shared.store.application import Application
from shared.vault.blind_index import BlindIndex
from shared.vault.vault import Vault
from shared.web.doors import add_doors
from shared.web.routing import Router


def router(
    application: Application, *, vault: Vault, index: BlindIndex, divisions: Divisions
) -> Router:
    """All routes of the service."""
    made = Router(tags=["identification"])
    add_doors(made, application, acts.DOORS)
    cases.register(made, application)
    imports.import_doors(made, application)
    comparison.comparison_doors(made, application)
    national.national_doors(made, application, vault)
    households.register(made, application, vault, index, divisions)
    notices.register(made, application, vault, divisions)
    heads.register(made, application, vault)
    officers.register(made, application)
    posted.register(made, application, vault, divisions)
    policies.register(made, application, divisions)
    oversight.register(made, application, vault)
    governance.register(made, application)
    return made


__all__ = ["router"]
