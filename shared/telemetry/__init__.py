"""What the running system says of itself: logs, trace context, metrics."""
