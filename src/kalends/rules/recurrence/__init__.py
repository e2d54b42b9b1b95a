"""Recurring dates: rules as RFC 5545 writes them, the dates that they give, and what they say in English."""
