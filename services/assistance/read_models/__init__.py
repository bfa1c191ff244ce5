"""What people look at: tables, what fills them, what is asked of them."""
