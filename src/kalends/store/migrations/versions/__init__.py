"""The revisions of the schema: one numbered file for each."""
