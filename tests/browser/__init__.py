"""Clicked through in a browser. A package, so that what is shared here is closed when it is left."""
