"""The identification procedure as data (R51): the order, who does each step, which clock it stops.

Comparison runs beside verification and deliberation and must be done before the town's review
(R57). Nothing here can be configured: no step can be skipped, and none added (R60).
"""

from services.identification.domain import commands
from shared.contracts import identification as events
from shared.kernel.division import Level
from shared.policy.procedure import Procedure, Step

IDENTIFICATION = Procedure(
    name="identification",
    rule="R51",
    steps=(
        Step(
            name="officers",
            label=("明确专人", "naming officers"),
            levels=(Level.TOWN,),
            command=commands.NameOfficers,
            done_by=(events.OfficersNamed,),
            rule="R5",
        ),
        Step(
            name="authorization",
            label=("农户授权承诺", "signing the authorisation"),
            levels=(Level.VILLAGE, Level.TOWN),
            command=commands.SignAuthorization,
            done_by=(events.AuthorizationSigned,),
            needs=("officers",),
            rule="R52",
        ),
        Step(
            name="verification",
            label=("入户核实", "household verification"),
            levels=(Level.VILLAGE, Level.TOWN),
            command=commands.VerifyHousehold,
            done_by=(events.Verified,),
            needs=("officers",),
            clock="verify",
            rule="R55",
        ),
        Step(
            name="comparison",
            label=("信息比对", "data comparison"),
            levels=(Level.COUNTY,),
            command=commands.CompareData,
            done_by=(events.Compared, events.ComparisonExempted),
            needs=("authorization",),
            rule="R57",
        ),
        Step(
            name="deliberation",
            label=("民主评议", "deliberation"),
            levels=(Level.VILLAGE,),
            command=commands.Deliberate,
            done_by=(events.Deliberated,),
            needs=("verification",),
            rule="R61",
        ),
        Step(
            name="town-review",
            label=("镇级审核反馈", "town review"),
            levels=(Level.TOWN,),
            command=commands.ReviewTown,
            done_by=(events.TownReviewed,),
            needs=("authorization", "comparison", "deliberation"),
            rule="R57",
        ),
        Step(
            name="notice",
            label=("张贴公示", "posting the notice"),
            levels=(Level.VILLAGE,),
            command=commands.PostNotice,
            done_by=(events.NoticePosted,),
            needs=("town-review",),
            rule="R56",
        ),
        Step(
            name="publicity",
            label=("公示期满", "completing the publicity"),
            levels=(Level.VILLAGE,),
            command=commands.CloseNotice,
            done_by=(events.Publicized,),
            needs=("notice",),
            rule="R56",
        ),
        Step(
            name="approval",
            label=("县级批准", "county approval"),
            levels=(Level.COUNTY,),
            command=commands.Approve,
            done_by=(events.Approved,),
            needs=("publicity",),
            clock="identify",
            rule="R53",
        ),
        Step(
            name="announcement",
            label=("县级公告", "announcement"),
            levels=(Level.COUNTY,),
            command=commands.Announce,
            done_by=(events.Announced,),
            needs=("approval",),
            rule="R65",
        ),
        Step(
            name="national-entry",
            label=("录入系统", "entry into the national system"),
            levels=(Level.TOWN, Level.COUNTY),
            command=commands.RecordNationalEntry,
            done_by=(events.NationalEntryRecorded,),
            needs=("approval",),
            clock="national-entry",
            rule="R63",
        ),
    ),
)
