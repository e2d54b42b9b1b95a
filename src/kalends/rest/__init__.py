"""The door for JSON over HTTP: translate in, call one action or read, translate out."""
