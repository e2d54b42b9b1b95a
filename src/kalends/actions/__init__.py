"""What the service does: one function for each verb. Its steps: fetch with authorization, decide, store, announce."""
