"""Limits that callers can reach. Constants that only tune the implementation are defined where they are used."""

# Requests
MAX_TARGET_BYTES = 8_192
"""Bytes of path and query together."""
MAX_KEY_LENGTH = 255
"""Characters of an Idempotency-Key."""
MAX_NESTING = 100
"""Nested arrays and objects in a body. The decoder's own limit depends on Python and on the stack."""
MAX_FAULTS = 100
"""Faults that one answer lists; a body may have hundreds of thousands."""

# Pages
MAX_PAGE_SIZE = 250
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_BYTES = 4 * 1_024 * 1_024
"""The largest page of events, unless it is a single event."""
MAX_CURSOR_LENGTH = 2_000
MAX_SEARCH_LENGTH = 200
"""Characters of a text to search for."""

# Text, in characters
MAX_NAME_LENGTH = 200
MAX_EMAIL_LENGTH = 254
"""RFC 5321 section 4.5.3.1.3, without the angle brackets; the library counts bytes."""
MAX_TITLE_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 10_000
MAX_LOCATION_LENGTH = 500
MAX_REMARK_LENGTH = 1_000
MAX_METADATA_BYTES = 16_384
MAX_METADATA_DEPTH = 32
"""Nested arrays and objects."""

# Events
MAX_PARTICIPANTS = 500
"""Participants of an event, its host among them."""
MAX_LISTED_PARTICIPANTS = 100
"""Participants that are shown of each event in a list of events."""

# Users
MAX_TOKENS = 100
"""Tokens of one person that are in use."""
MAX_SHARES = 500
"""Calendars that are shared with one person: every request uses them."""
MAX_DELETED_EVENTS = 10_000
"""Unfinished events that concern a user who is deleted: other writers wait a second or two meanwhile."""
MAX_TRANSFERRED_EVENTS = 2_000
"""Those of these events that are transferred: each is checked for conflicts after the one before was stored."""

# Working hours
MAX_DAY_WINDOWS = 50
MAX_OVERRIDES = 1_000
MAX_WINDOWS = 2_000
"""Windows of all days of the week and all dates together."""

# Holds
MAX_HOLD_SECONDS = 15 * 60
DEFAULT_HOLD_SECONDS = 300
MAX_HELD_PEOPLE = 100
"""People whose time one hold keeps."""
MAX_HELD_HOURS = 200
"""Hours of people's time that all holds of a person keep: 25 people for 8 hours, or 100 for 2."""

# Free/busy and find-time
MAX_PEOPLE = 200
"""People in one list."""
MAX_WINDOW_DAYS = 92
MAX_SPREAD_DAYS = 366
"""Days from the first window of a search to its last: all commitments in between are read."""
MAX_SEARCH_WINDOWS = 92
MAX_SEARCHED_PEOPLE = 100
"""People whom a search names: each of them is checked for every slot."""
MAX_GROUPS = 20
MAX_WEIGHT = 1_000
"""The largest weight of an optional person."""
MAX_SLOTS = 100
MAX_COMMITMENTS = 20_000
"""Events and holds that are read for one answer."""
MAX_SEARCHED_COMMITMENTS = 10_000
"""The same for a search with few starts: about 0.3 s of calculation."""
MAX_SHOWN_WINDOWS = 20_000
"""Windows of working hours in one answer of free/busy."""
