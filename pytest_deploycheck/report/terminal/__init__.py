"""The rows of the summary in a terminal."""
