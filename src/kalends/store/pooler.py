"""What a URL says of a pooler between Kalends and PostgreSQL; the driver is not needed for it."""

from kalends.errors import BadSetting

POOLER = "pooler"
POOLER_MODE = "transaction"
"""The parameter of a URL that says that a pooler lends its connections for one transaction at a time, and its value."""

POOLER_ADVICE = f"Add {POOLER}={POOLER_MODE} to the URL of the database."

UNTOLD = "a pooler in front of the server keeps settings from its sessions"
REFUSALS = (UNTOLD, "unsupported startup parameter")
"""What ends a connection through a pooler that the URL does not name: our own check, or PgBouncer.

The driver passes on the text of PgBouncer's error, but not its code."""


def without_pooler(url: str) -> tuple[str, bool]:
    """Return a URL without the parameter that no driver knows, and whether it says that there is a pooler.

    Raises BadSetting.
    """
    address, _, query = url.partition("?")
    parts = query.split("&") if query else []
    modes = [part.partition("=")[2] for part in parts if part.partition("=")[0] == POOLER]
    if set(modes) - {POOLER_MODE}:
        raise BadSetting("KALENDS_DATABASE_URL", f"{POOLER} must be {POOLER_MODE}; a pooler of sessions needs nothing")
    kept = "&".join(part for part in parts if part.partition("=")[0] != POOLER)
    return (f"{address}?{kept}" if kept else address), bool(modes)
