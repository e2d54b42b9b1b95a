"""The rules: pure functions without store, clock or I/O."""
