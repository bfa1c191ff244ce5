"""Reading departments' files: begun in a process of its own, it imports little, to begin soon."""
