"""The parameter of a URL for a pooler between Kalends and PostgreSQL; this module does not need the driver."""

from kalends.errors import BadSetting

POOLER = "pooler"
POOLER_MODE = "transaction"
"""The parameter of a URL, and its value, for a pooler that assigns connections for one transaction at a time."""

POOLER_ADVICE = f"Add {POOLER}={POOLER_MODE} to the URL of the database."

SETTINGS_LOST = "a pooler in front of the server drops the settings of sessions"
REFUSALS = (SETTINGS_LOST, "unsupported startup parameter")
"""Texts of errors of a connection through a pooler that the URL does not name: of our own check, and of PgBouncer.

The driver passes on the text of PgBouncer's error, but not its code.
"""


def without_pooler(url: str) -> tuple[str, bool]:
    """Return a URL without the parameter, which drivers do not know, and whether it was given. Raise BadSetting."""
    address, _, query = url.partition("?")
    parts = query.split("&") if query else []
    modes = [part.partition("=")[2] for part in parts if part.partition("=")[0] == POOLER]
    if set(modes) - {POOLER_MODE}:
        raise BadSetting(
            "KALENDS_DATABASE_URL", f"{POOLER} must be {POOLER_MODE}, or left out for a pooler of sessions"
        )
    kept = "&".join(part for part in parts if part.partition("=")[0] != POOLER)
    return (f"{address}?{kept}" if kept else address), bool(modes)
