"""The services. They never import each other; they meet in ``shared.contracts``."""
