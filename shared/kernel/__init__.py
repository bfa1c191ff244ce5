"""The words the domain is written in: pure, free of frameworks, imported by everything."""
