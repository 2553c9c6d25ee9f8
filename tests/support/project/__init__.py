"""Tools of the project itself: its sources, its locks, its requirements."""
