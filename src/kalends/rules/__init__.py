"""Pure decisions: no store, no clock, no I/O."""
