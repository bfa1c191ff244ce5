"""Risk elimination as a procedure: identification's path without the comparison (R95)."""

from services.assistance.domain import commands as c
from shared.contracts.assistance import (
    EliminationAnnounced,
    EliminationDeliberated,
    EliminationMarked,
    EliminationNoticePosted,
    EliminationProposed,
    EliminationPublicized,
    EliminationReviewed,
    EliminationVerified,
    RiskEliminated,
)
from shared.kernel.division import Level
from shared.policy.procedure import Procedure, Step

ELIMINATION_PROCEDURE = Procedure(
    name="elimination",
    rule="R95",
    steps=(
        Step(
            "propose",
            ("提出风险消除", "proposal"),
            (Level.VILLAGE,),
            c.ProposeElimination,
            (EliminationProposed,),
            rule="R91",
        ),
        Step(
            "verify",
            ("入户核实", "household verification"),
            (Level.VILLAGE, Level.TOWN),
            c.VerifyElimination,
            (EliminationVerified,),
            needs=("propose",),
            rule="R95",
        ),
        Step(
            "deliberate",
            ("民主评议", "democratic deliberation"),
            (Level.VILLAGE,),
            c.DeliberateElimination,
            (EliminationDeliberated,),
            needs=("verify",),
            rule="R95",
        ),
        Step(
            "review",
            ("镇级审核反馈", "town review"),
            (Level.TOWN,),
            c.ReviewElimination,
            (EliminationReviewed,),
            needs=("deliberate",),
            rule="R95",
        ),
        Step(
            "post",
            ("张贴公示", "posting the notice"),
            (Level.VILLAGE,),
            c.PostEliminationNotice,
            (EliminationNoticePosted,),
            needs=("review",),
            rule="R95",
        ),
        Step(
            "publicize",
            ("村级公示期满", "publicity complete"),
            (Level.VILLAGE,),
            c.CloseEliminationNotice,
            (EliminationPublicized,),
            needs=("post",),
            rule="R56",
        ),
        Step(
            "approve",
            ("县级批准", "county approval"),
            (Level.COUNTY,),
            c.ApproveElimination,
            (RiskEliminated,),
            needs=("publicize",),
            rule="R95",
        ),
        Step(
            "announce",
            ("县级公告", "public announcement"),
            (Level.COUNTY,),
            c.AnnounceElimination,
            (EliminationAnnounced,),
            needs=("approve",),
            rule="R95",
        ),
        Step(
            "mark",
            ("系统标注", "label in the national system"),
            (Level.COUNTY,),
            c.MarkElimination,
            (EliminationMarked,),
            needs=("approve",),
            clock="mark",
            rule="R95",
        ),
    ),
)
