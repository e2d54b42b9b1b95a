"""Kalends: a scheduling service that never books anybody twice by accident."""

__version__ = "0.1.0"
