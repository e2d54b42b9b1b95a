"""Conventional implementations of the same requests, measured beside Kalends."""
