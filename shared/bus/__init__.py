"""The bus: committed events leave by the relay and arrive, once each, in the consumers."""
