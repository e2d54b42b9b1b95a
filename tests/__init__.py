"""The tests of kalends; a regular package, so that no installed `tests` can take its place."""
