"""The items of a run: the built-in checks, and the tests that use the fixtures, once for each service."""
