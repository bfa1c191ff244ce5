"""What tests are written with; imported by tests alone."""
