"""What the province decides and what the law counts: parameters, legal time, the rule catalogue."""
