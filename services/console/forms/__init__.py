"""What people fill in: fields, forms, and every form there is, a file a service."""
