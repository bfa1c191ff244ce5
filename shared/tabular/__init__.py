"""Tables that offices send and are sent: one way to read one, one way to write one.

``upload.received`` takes a request's body into a file without holding it; ``reading.open_table``
reads XLSX, CSV or NDJSON, gzipped or not, by what a file is and never by what it is called;
``cells`` makes text, dates, amounts of a row's cells; ``writing`` gives CSV, JSON lines and XLSX
that no spreadsheet takes for formulas.

What makes a whole file unreadable is an ``Unreadable``; what is wrong with one row stands in that
row, and the rows around it go on.
"""
