"""Actions on organizations, for the administrator of a server."""

from kalends.credentials import Organization
from kalends.model import OrganizationId
from kalends.store.database import WriteTx
from kalends.store.organizations import insert_organization


def create_organization(tx: WriteTx, name: str) -> Organization:
    """Create an empty organization."""
    made = Organization(OrganizationId(tx.new_id()), name, tx.now)
    insert_organization(tx, made)
    return made
