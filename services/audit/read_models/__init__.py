"""Questions to the trail: filters, timelines, and the record of who asked."""
