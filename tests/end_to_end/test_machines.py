"""A department's system is let in once, and answers at two services' doors."""

from typing import Any

import httpx

from tests.end_to_end.system import System

NUMBER = "11010519491231002X"


def test_a_department_s_machine_answers_comparisons_with_its_key(system: System) -> None:
    where = system.addresses.of("identification") + "/comparisons/NATURAL_RESOURCES"

    def answers(key: str) -> httpx.Response:
        body = {"results": [{"document_number": NUMBER, "hits": ["PROPERTY"]}]}
        return httpx.post(where, json=body, headers={"Authorization": f"Bearer {key}"})

    def knows(key: str, *, known: bool) -> bool | None:
        let_in = answers(key).status_code != httpx.codes.UNAUTHORIZED
        return let_in is known or None

    with system.client() as client:
        given: dict[str, Any] = {"label": "省自然资源厅不动产登记系统", "kind": "feed"}
        given |= {"division": "37", "feeds": ["natural-resources"]}
        machine = client.act("administrator", "alerts", "/machines", given)
        key = machine["credential"]
        client.eventually("the key is known", lambda: knows(key, known=True))
        told = answers(key).json()
        assert (told["rows"], told["recorded"], told["errors"][0]["code"]) == (
            1, 0, "no-open-comparison",
        )  # fmt: skip
        client.act("administrator", "alerts", f"/machines/{machine['id']}/revocation", {})
        client.eventually("the key is shut out", lambda: knows(key, known=False))
        assert answers(key).json()["code"] == "machine-key"
