"""The statements of the floor, written by hand: as few as each request needs, and as plain as they can be."""

from kalends.store.tables import event

Texts = dict[str, str]

AGENDA_PAGE = "agenda_page"
CONCERNED = "concerned"
BY_ID = "by_id"
CREATE = "create"
ASKED = "asked"
FREE_BUSY = "free_busy"
POOL = "pool"

NOT_SHOWN = ("organization_id", "search_text")
EVENT = ", ".join(f"e.{column.name}" for column in event.columns if column.name not in NOT_SHOWN)
"""All columns of an event in an answer, as Kalends reads them."""

TEXTS = {
    AGENDA_PAGE: f"""
SELECT {EVENT} FROM agenda a JOIN event e ON e.id = a.event_id
WHERE a.organization_id = ? AND a.user_id = ? AND a.starts_at > ? AND a.ends_at > ? AND a.status != 'cancelled'
ORDER BY a.starts_at, a.event_id LIMIT ?""",
    CONCERNED: """
SELECT p.event_id, p.user_id, p.role, p.response, p.comment, p.responded_at, p.version, u.name, u.email, u.version
FROM participant p JOIN "user" u ON u.id = p.user_id
WHERE p.organization_id = ? AND p.event_id {among} ORDER BY p.event_id, p.user_id""",
    BY_ID: f"SELECT {EVENT} FROM event e WHERE e.organization_id = ? AND e.id = ?",
    "people": """
SELECT id, time_zone FROM "user" WHERE organization_id = ? AND id {among} AND deleted_at IS NULL ORDER BY id {lock}""",
    "blocked": """
SELECT user_id, starts_at, ends_at, shown, event_id FROM agenda
WHERE organization_id = ? AND starts_at > ? AND starts_at < ? AND ends_at > ? AND blocking AND user_id {among}""",
    CREATE: """
INSERT INTO event (id, organization_id, host_id, title, description, location, search_text, time_zone, starts_at,
    ends_at, start_local, end_local, status, show_as, visibility, metadata, required_count, optional_count,
    accepted_count, declined_count, tentative_count, needs_action_count, version, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'confirmed', 'busy', 'default', '{{}}', 6, 0, 1, 0, 0, 5, 1, 0, 0)""",
    "participation": """
INSERT INTO participant (organization_id, event_id, user_id, role, response, version)
VALUES (?, ?, ?, 'required', ?, 1)""",
    "agenda": """
INSERT INTO agenda (organization_id, user_id, starts_at, event_id, ends_at, hosting, role, response, status, shown,
    blocking, exclusive) VALUES (?, ?, ?, ?, ?, ?, 'required', ?, 'confirmed', ?, true, true)""",
    ASKED: f"""
SELECT e.starts_at, {EVENT}, p.role, p.response, p.comment, p.responded_at, p.version, u.name, u.email, u.version
FROM event e JOIN participant p ON p.event_id = e.id JOIN "user" u ON u.id = p.user_id
WHERE e.organization_id = ? AND e.id = ? AND p.user_id = ? {{lock_event}}""",
    "count_answer": """
UPDATE event SET accepted_count = accepted_count + ?, tentative_count = tentative_count + ?, version = version + 1,
    updated_at = ? WHERE id = ?""",
    "answer_participation": """
UPDATE participant SET response = ?, responded_at = ?, version = version + 1 WHERE event_id = ? AND user_id = ?""",
    "answer_agenda": """
UPDATE agenda SET response = ?, shown = ? WHERE user_id = ? AND starts_at = ? AND event_id = ?""",
    FREE_BUSY: """
SELECT user_id, starts_at, ends_at, shown, blocking FROM agenda
WHERE organization_id = ? AND starts_at > ? AND starts_at < ? AND ends_at > ? AND user_id {among}
    AND shown != 'free'""",
    POOL: """
SELECT u.id, u.name, u.email, u.time_zone, u.metadata, u.version, u.created_at, u.updated_at FROM "user" u
WHERE u.organization_id = ? AND u.deleted_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM agenda a
    WHERE a.user_id = u.id AND a.starts_at > ? AND a.starts_at < ? AND a.ends_at > ? AND a.blocking
) ORDER BY u.name_key, u.id LIMIT ?""",
}

ON_SQLITE = {"among": "IN (SELECT value FROM json_each(?))", "lock": "", "lock_event": ""}
ON_POSTGRESQL = {"among": "= ANY (?)", "lock": "FOR UPDATE", "lock_event": "FOR UPDATE OF e"}


def texts_for(url: str) -> Texts:
    """Return the statements in the dialect of the engine that a URL names."""
    sqlite = url.startswith("sqlite")
    texts = {name: text.format(**(ON_SQLITE if sqlite else ON_POSTGRESQL)) for name, text in TEXTS.items()}
    if not sqlite:
        texts = {name: text.replace("?", "%s") for name, text in texts.items()}
    return texts | {
        "begin": "BEGIN IMMEDIATE" if sqlite else "BEGIN",
        "snapshot": "BEGIN" if sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    }
