"""A run over several environments: their services, and the verification of all of them side by side."""
