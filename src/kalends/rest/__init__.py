"""The JSON API: read a request, call one action or read, and write the answer."""
