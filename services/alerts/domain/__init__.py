"""Pure: what may happen to an order, a lead, an alert, and what it means."""
