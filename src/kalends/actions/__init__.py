"""What the service does: one function a verb, in four steps: find with right, decide, store, announce."""
