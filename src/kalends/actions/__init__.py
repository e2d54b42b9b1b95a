"""What the service does: one function a verb, in four steps: fetch with authorization, decide, store, announce."""
