"""What can be asked: tables, the rows each stream has in them, queries."""
