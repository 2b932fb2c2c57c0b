"""The reports of a run over several environments."""
