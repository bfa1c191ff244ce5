"""Assistance: plans and measures, risk elimination, after-care."""
