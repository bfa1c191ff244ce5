"""Tables to take along: XLSX or CSV, written as every table of Dixian is."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from starlette.responses import Response

from shared.tabular.writing import Book, Format, write


def sheet(
    kind: Format, name: str, header: Sequence[str], rows: Sequence[Sequence[Any]]
) -> Response:
    """The table as a file; whole numbers and ``Decimal`` are numbers in a workbook."""
    book = Book(sheet=name)
    columns = {str(number): title for number, title in enumerate(header)}
    file = BytesIO()
    lines = ({str(n): cell for n, cell in enumerate(row)} for row in rows)
    write(kind, columns, lines, file, book)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind.value}"'}
    return Response(file.getvalue(), media_type=kind.media_type, headers=headers)
