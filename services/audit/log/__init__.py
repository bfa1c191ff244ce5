"""The transparency log itself: appending, signing, serving, exporting and verifying."""
