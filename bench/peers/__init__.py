"""Ordinary ways to answer the same requests, to be measured beside Kalends."""
