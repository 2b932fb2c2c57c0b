"""The log checks of a run, and the log tails that they ask."""
