"""Recurrence: rules of RFC 5545, the dates that they give, and their description in English."""
