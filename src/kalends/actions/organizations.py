"""What can be done with organizations, by who runs the service."""

from kalends.credentials import Organization
from kalends.model import OrganizationId
from kalends.store.database import WriteTx
from kalends.store.organizations import insert_organization


def create_organization(tx: WriteTx, name: str) -> Organization:
    """Make an empty organization; what is in it no other organization can tell."""
    made = Organization(OrganizationId(tx.new_id()), name, tx.now)
    insert_organization(tx, made)
    return made
