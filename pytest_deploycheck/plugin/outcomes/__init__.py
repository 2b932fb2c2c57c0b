"""The results of checks and tests: from pytest's reports to the view that the verdict takes of them."""
