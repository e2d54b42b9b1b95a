"""The organization that a fresh install has; nobody has to know of it."""

from kalends.model import OrganizationId

DEFAULT_ORGANIZATION = OrganizationId(1)
"""Made by the first migration."""
