"""Alerts: what may mean risk comes in here: hotline orders, department alerts, field leads."""
