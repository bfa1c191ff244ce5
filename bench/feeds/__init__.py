"""A department's file of a million rows. Begun by ``__main__``, which no child begins again."""
