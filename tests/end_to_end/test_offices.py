"""What offices above the village do over the console's pages: thresholds, ledger reviews."""

import re
from contextlib import closing
from datetime import date

import httpx

from tests.end_to_end.system import System
from tests.end_to_end.visitor import signed_in


def sends(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Fill in the form of a page and send it, with everything that stood in it."""
    page = browser.get(path).text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return browser.post(path, data={**hidden, **fields})


def business_day(system: System) -> date:
    """The demo's today."""
    with system.client() as client:
        shown = client.get("province-officer", "identification", "/demo/clock")
    return date.fromisoformat(shown["today"])


def test_the_province_sets_a_threshold(system: System) -> None:
    fields = {
        "feed": "medical-insurance",
        "threshold.type": "MEDICAL_STAY",
        "threshold.population": "ORDINARY",
        "threshold.amount": "12,345.00",
        "threshold.inclusive": "yes",
        "threshold.effective_from": business_day(system).isoformat(),
    }
    with closing(signed_in(system, "province-officer")) as browser:
        assert "/files/thresholds" in browser.get("/files").text
        bare = sends(browser, "/files/thresholds", **fields)
        assert bare.status_code == 422
        assert 'id="f-threshold-document-fault"' in bare.text
        done = sends(
            browser, "/files/thresholds", **fields | {"threshold.document": "鲁农发〔2023〕8号"}
        )
        assert (done.status_code, done.headers["location"]) == (303, "/files")
        shown = browser.get("/files/thresholds").text
        assert "鲁农发〔2023〕8号" in shown
        assert "12,345" in shown
    with closing(signed_in(system, "county-officer")) as browser:
        assert browser.get("/files/thresholds").status_code == 403


def test_a_ledger_that_does_not_exist_is_not_gone_through(system: System) -> None:
    with closing(signed_in(system, "county-officer")) as browser:
        page = browser.get("/ledger/do/review").text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        town = re.search(r'<option value="(\d{9})"', page)
        assert town is not None
        fields = {**hidden, "town": town[1], "mass_relapse_risk": "no"}
        report = {"evidence": ("report.pdf", b"%PDF-1.7\n", "application/pdf")}
        answer = browser.post("/ledger/do/review", data=fields, files=report)
    assert answer.status_code == 409
    assert "未列入工作台账" in answer.text
    assert "文件尚未保存,请重新选择" in answer.text
