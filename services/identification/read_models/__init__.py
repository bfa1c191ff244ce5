"""What people look at: tables fed from the streams' state, and the queries over them."""
