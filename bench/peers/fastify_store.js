// The statements behind the Fastify peer, on better-sqlite3 or pg.
import Sqlite from 'better-sqlite3'
import pg from 'pg'

const DAY = 25 * 3_600_000
const COUNTED = ['required', 'optional', 'accepted', 'declined', 'tentative', 'needs_action']

const TEXTS = {
  agenda: `
    SELECT * FROM events
    WHERE id IN (SELECT event_id FROM participants WHERE user_id = $1 UNION SELECT id FROM events WHERE host_id = $1)
      AND ends_at > $2 AND status != 'cancelled'
    ORDER BY starts_at, id LIMIT $3`,
  event: 'SELECT * FROM events WHERE id = $1',
  participations: `
    SELECT p.*, u.name, u.email FROM participants p JOIN users u ON u.id = p.user_id
    WHERE p.event_id IN (AMONG $1) ORDER BY p.event_id, p.user_id`,
  known: 'SELECT count(*) AS known FROM users WHERE id IN (AMONG $1)',
  conflict: `
    SELECT p.user_id FROM participants p JOIN events e ON e.id = p.event_id
    WHERE p.user_id IN (AMONG $1) AND e.starts_at > $2 AND e.starts_at < $3 AND e.ends_at > $4
      AND e.status != 'cancelled' AND e.show_as = 'busy' AND p.response != 'declined' LIMIT 1`,
  insertEvent: `
    INSERT INTO events (host_id, title, description, location, starts_at, ends_at, time_zone, status, show_as,
      visibility, metadata, required_count, optional_count, accepted_count, declined_count, tentative_count,
      needs_action_count, version, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'confirmed', 'busy', 'default', '{}', $8, $9, 1, 0, 0, $10, 1, $11, $11)
    RETURNING *`,
  insertSeat: `
    INSERT INTO participants (event_id, user_id, role, response, responded_at) VALUES ($1, $2, $3, $4, $5)`,
  participation: `
    SELECT p.*, u.name, u.email, e.host_id, e.status FROM participants p JOIN users u ON u.id = p.user_id
    JOIN events e ON e.id = p.event_id WHERE p.event_id = $1 AND p.user_id = $2`,
  answer: 'UPDATE participants SET response = $1, comment = $2, responded_at = $3 WHERE event_id = $4 AND user_id = $5'
}
const recount = (from, to) => from === to
  ? 'UPDATE events SET version = version + 1, updated_at = $1 WHERE id = $2'
  : `UPDATE events SET ${from}_count = ${from}_count - 1, ${to}_count = ${to}_count + 1, version = version + 1,
     updated_at = $1 WHERE id = $2`

const shown = (value) => value && (value instanceof Date ? value.toISOString() : `${value.replace(' ', 'T')}Z`)

function eventJson (row) {
  const counts = Object.fromEntries(COUNTED.map((name) => [name, row[`${name}_count`]]))
  return {
    ...row,
    hide_participants: Boolean(row.hide_participants),
    start: shown(row.starts_at),
    end: shown(row.ends_at),
    participant_counts: { total: counts.required + counts.optional, ...counts },
    metadata: JSON.parse(row.metadata),
    created_at: shown(row.created_at),
    updated_at: shown(row.updated_at)
  }
}

const seatJson = (row, hostId) => ({
  ...row, responded_at: shown(row.responded_at), is_host: row.user_id === hostId
})

function sqlite (url) {
  const db = new Sqlite(url.replace('sqlite:///', ''))
  const prepared = new Map()
  const statement = (sql) => {
    if (!prepared.has(sql)) {
      const text = sql.replaceAll(/AMONG (\$\d)/g, 'SELECT value FROM json_each($1)').replaceAll('$', '?')
      prepared.set(sql, db.prepare(text))
    }
    return prepared.get(sql)
  }
  const bound = (value) => value instanceof Date
    ? `${value.toISOString().replace('T', ' ').replace('Z', '')}000`
    : Array.isArray(value) ? JSON.stringify(value) : value
  const rows = (sql, ...values) => {
    const made = statement(sql)
    const named = Object.fromEntries(values.map((value, place) => [place + 1, bound(value)]))
    return made.reader ? made.all(named) : made.run(named)
  }
  const write = (work) => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = work(rows)
      db.exec('COMMIT')
      return result
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
  return { rows, write }
}

function postgres (url) {
  const { pathname, searchParams } = new URL(url.replace('postgres@/', 'postgres@localhost/'))
  const pool = new pg.Pool({
    user: 'postgres', database: pathname.slice(1), host: searchParams.get('host'), port: 5432, max: 8
  })
  const names = new Map()
  const ask = (client) => async (sql, ...values) => {
    if (!names.has(sql)) names.set(sql, `s${names.size}`)
    const text = sql.replaceAll(/IN \(AMONG (\$\d)\)/g, '= ANY ($1)')
    return (await client.query({ name: names.get(sql), text, values })).rows
  }
  const write = async (work) => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const result = await work(ask(client))
      await client.query('COMMIT')
      return result
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }
  return { rows: ask(pool), write }
}

class Refused extends Error {
  constructor (status) {
    super(`refused with ${status}`)
    this.refused = status
  }
}

const refusals = (error) => {
  if (error instanceof Refused) return { refused: error.refused }
  throw error
}

// Transactions are written once: with better-sqlite3 every step is there at once, with pg it is waited for.
function * creation (draft, roles) {
  const people = [...roles.keys()]
  const now = new Date()
  const [{ known }] = yield [TEXTS.known, people]
  if (Number(known) < people.length) throw new Refused(422)
  const conflict = yield [TEXTS.conflict, people, new Date(draft.start - DAY), draft.end, draft.start]
  if (conflict.length) throw new Refused(409)
  const named = [...roles.values()]
  const [event] = yield [
    TEXTS.insertEvent, draft.host_id, draft.title, draft.description, draft.location, draft.start, draft.end,
    draft.time_zone, named.filter((role) => role === 'required').length,
    named.filter((role) => role === 'optional').length, people.length - 1, now]
  for (const [id, role] of roles) {
    const hosts = id === draft.host_id
    yield [TEXTS.insertSeat, event.id, id, role, hosts ? 'accepted' : 'needs_action', hosts ? now : null]
  }
  return eventJson(event)
}

function * answering (eventId, userId, response, comment) {
  const now = new Date()
  const [participation] = yield [TEXTS.participation, eventId, userId]
  if (!participation) throw new Refused(404)
  if (participation.status === 'cancelled') throw new Refused(409)
  yield [TEXTS.answer, response, comment, now, eventId, userId]
  yield [recount(participation.response, response), now, eventId]
  return { ...seatJson(participation, participation.host_id), response, comment, responded_at: now.toISOString() }
}

export async function openStore (url) {
  const local = url.startsWith('sqlite')
  const { rows, write } = local ? sqlite(url) : postgres(url)
  const played = (script) => write(local
    ? (ask) => {
        let step = script.next()
        while (!step.done) step = script.next(ask(...step.value))
        return step.value
      }
    : async (ask) => {
      let step = script.next()
      while (!step.done) step = script.next(await ask(...step.value))
      return step.value
    })
  const attempt = async (script) => {
    try {
      return await played(script)
    } catch (error) {
      return refusals(error)
    }
  }
  return {
    agenda: async (userId, since, limit) => (await rows(TEXTS.agenda, userId, since, limit)).map(eventJson),
    event: async (id) => {
      const [row] = await rows(TEXTS.event, id)
      return row && eventJson(row)
    },
    participation: async (events) => {
      const byId = new Map(events.map((event) => [event.id, event]))
      for (const event of events) event.participants = []
      for (const row of await rows(TEXTS.participations, [...byId.keys()])) {
        const event = byId.get(row.event_id)
        event.participants.push(seatJson(row, event.host_id))
      }
    },
    create: (draft, roles) => attempt(creation(draft, roles)),
    answer: (...values) => attempt(answering(...values))
  }
}
