"""Everything this service can be asked to change: one list, a door a command."""

from collections.abc import Sequence

from services.identification.domain import (
    commands,
    coordination,
    delegation,
    officer,
    register_commands,
)
from shared.web.doors import Door

_CASE = "/cases/{case_id}"

DOORS: Sequence[Door] = (
    Door("/households", register_commands.RegisterHousehold, 201),
    Door("/households/{household_id}/revision", register_commands.ReviseHousehold),
    Door("/households/{household_id}/split", register_commands.SplitHousehold),
    Door("/households/{household_id}/merge", register_commands.MergeHouseholds),
    Door("/households/{household_id}/move", register_commands.MoveHousehold),
    Door("/policy", commands.PublishPolicy, 201),
    Door("/findings/{finding_id}/answer", commands.AnswerFinding),
    Door("/officers/me", officer.ComeIn),
    Door("/delegations", delegation.GrantDelegation, 201),
    Door("/delegations/{delegation_id}/revocation", delegation.RevokeDelegation),
    Door("/joint-meetings", coordination.HoldMeeting, 201),
    Door("/policy-mergings", coordination.RecordMerging, 201),
    Door(f"{_CASE}/officers", commands.NameOfficers),
    Door(f"{_CASE}/authorization", commands.SignAuthorization),
    Door(f"{_CASE}/authorization/revocation", commands.RevokeAuthorization),
    Door(f"{_CASE}/verification", commands.VerifyHousehold),
    Door(f"{_CASE}/comparison", commands.CompareData),
    Door(f"{_CASE}/comparison-exemption", commands.ExemptComparison),
    Door(f"{_CASE}/deliberation", commands.Deliberate),
    Door(f"{_CASE}/town-review", commands.ReviewTown),
    Door(f"{_CASE}/notice", commands.PostNotice),
    Door(f"{_CASE}/objections", commands.RaiseObjection),
    Door(f"{_CASE}/objections/answer", commands.AnswerObjection),
    Door(f"{_CASE}/notice/close", commands.CloseNotice),
    Door(f"{_CASE}/approval", commands.Approve),
    Door(f"{_CASE}/refusal", commands.DeclineIdentification),
    Door(f"{_CASE}/announcement", commands.Announce),
    Door(f"{_CASE}/national-entry", commands.RecordNationalEntry),
    Door(f"{_CASE}/telling", commands.TellHousehold),
    Door(f"{_CASE}/follow-up", commands.FollowUp),
    Door(f"{_CASE}/green-channel/confirmation", commands.ConfirmGreenChannel),
    Door(f"{_CASE}/green-channel/entry", commands.EnterGreenChannel),
    Door(f"{_CASE}/green-channel/verification", commands.VerifyGreenChannel),
    Door(f"{_CASE}/green-channel/exit", commands.ExitGreenChannel),
)
"""Households, the policy book, findings, and every act on a case."""
