"""What the county's committee and offices record among themselves, clicked."""

from playwright.sync_api import expect

from shared.testing.decider import rule
from tests.browser.people import Office


@rule("R45", "R47", "R53")
def test_a_delegation_a_meeting_and_a_merging_are_recorded(office: Office) -> None:
    county = office.desk_of("county-committee").goes("/board")
    county.page.get_by_role("link", name="议事和授权").click()
    county.page.get_by_role("link", name="登记联席会议").click()
    county.fills({"organisations": "HEALTH", "subjects": "HOUSEHOLDS", "minutes": "会商个案"})
    county.submits().is_refused("参会单位:至少2项", "organisations")
    county.fills({"organisations": ("EXECUTIVE",)}).sends().sees("个案会商")
    county.page.get_by_role("link", name="登记政策并轨").click()
    merging = {"document": "章政发〔2024〕6号", "benefits": "RURAL_DIBAO", "note": "医疗救助合并"}
    county.fills(merging).sends().sees("章政发〔2024〕6号")
    county.page.get_by_role("link", name="授权批准").click()
    term = {"document": "章农委〔2024〕3号", "valid_until": "2030-12-31"}
    county.fills({"holder": "person:county-delegate", **term}).sends().sees("章农委〔2024〕3号")
    row = county.page.locator("tr", has_text="章农委〔2024〕3号").last
    row.get_by_role("link", name="收回授权").click()
    county.fills({"note": "换届"}).sends()
    expect(row.get_by_role("link")).to_have_count(0)


@rule("K7", "R120")
def test_a_policy_is_tried_refused_and_published(office: Office) -> None:
    province = office.desk_of("province-officer").goes("/governance")
    province.page.get_by_role("link", name="发布政策参数").click()
    plan, publicity = "policy.parameters.plan", "policy.parameters.publicity"
    whole = {"identify_warnings": "8天、12天", "screens_applicants": "370181 370102"}
    holidays = "2034-01-01\n2034-02-18至2034-02-24\n2034-10-01至2034-10-07"
    named = {
        "organisations.0.name": "省农业农村厅",
        "working_years.0.year": "2034",
        "working_years.0.document": "国办发明电〔2033〕9号",
        "working_years.0.holidays": holidays,
        "working_years.0.make_up_days": "2034-02-26",
    }
    lists = {f"policy.parameters.{name}": value for name, value in (whole | named).items()}
    province.fills({plan: "9天", **lists})
    province.page.get_by_role("button", name="试算").click()
    province.sees("只是试算,没有发布").sees("制定帮扶计划: 10天 → 9天")
    province.sees("识别认定到期提醒: 10天、13天、15天 → 8天、12天")
    province.sees("低保、特困申请即先排查的县: 无 → 370181、370102")
    province.sees("主管部门:省农业农村厅").sees("2034:国办发明电〔2033〕9号(15天)")
    expect(province.page.locator(f'[name="{plan}"]')).to_have_value("9天")
    version = {"policy.document": "鲁农发〔2034〕1号", "policy.effective_from": "2034-07-01"}
    province.fills({"policy.version": "37/2034-1", **version, publicity: "2天"})
    province.submits().is_refused("公示不得少于5天", "policy-parameters-publicity")
    province.fills({publicity: ""}).submits()
    province.is_refused("R117", "policy-parameters-working_years-0-document")
    whole_year = {
        "policy.parameters.working_years.0.holidays": f"{holidays}\n2034-05-01至2034-05-02"
    }
    province.fills(whole_year).sends().sees("政策参数已发布")
