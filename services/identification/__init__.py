"""The heart of the Guide: whether a household is identified, how, by whom and in what time."""
