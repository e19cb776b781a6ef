"""Modules that stand in for other people's, under their names and with their arguments."""
