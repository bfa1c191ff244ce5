"""In a browser. A package, so that what its tests share is closed when they are over."""
