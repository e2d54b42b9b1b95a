"""Settings of PostgreSQL sessions, and their notations for a connection, for a transaction and in a URL."""

import re
from collections.abc import Mapping

from kalends.errors import BadSetting

OPTION = re.compile(r"(?:-c ?|--)([A-Za-z_.]+)=([^\s\\']+)")

SESSION_SETTINGS = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "30s",
    # Every list is an ordered range scan of an index; the result of a bitmap scan would have to be sorted.
    "enable_bitmapscan": "off",
    # Generic plans are good ones then, and no request needs a plan of its own: an answer costs the database 0.88 ms
    # instead of 1.22. A statement that reads few rows needs its limit in its text, not in a parameter.
    "plan_cache_mode": "force_generic_plan",
}


def session_options(settings: Mapping[str, str]) -> str:
    """Return settings as startup options, which apply to a session."""
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def local_settings(settings: Mapping[str, str]) -> str:
    """Return settings as statements, which apply to a transaction."""
    return "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in settings.items())


def settings_in(options: str) -> dict[str, str]:
    """Return the settings in startup options such as `-c work_mem=64MB`. Raise BadSetting."""
    found: dict[str, str] = dict(OPTION.findall(options))
    if OPTION.sub("", options).strip():
        raise BadSetting("KALENDS_DATABASE_URL", "behind a pooler, options must be like -c work_mem=64MB")
    return found
