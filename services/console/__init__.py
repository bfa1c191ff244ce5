"""The pages for the people who do the work; it speaks to the four services over HTTP alone."""
