// A peer: Express with Objection (knex), on better-sqlite3 or pg.
import { timingSafeEqual } from 'node:crypto'
import express from 'express'
import makeKnex from 'knex'
import { Model } from 'objection'

const url = process.env.DATABASE_URL
const local = url.startsWith('sqlite')
const parsed = local ? null : new URL(url.replace('postgres@/', 'postgres@localhost/'))
const knex = makeKnex(local
  ? { client: 'better-sqlite3', connection: { filename: url.replace('sqlite:///', '') }, useNullAsDefault: true }
  : {
      client: 'pg',
      pool: { min: 1, max: 8 },
      connection: {
        user: 'postgres', database: parsed.pathname.slice(1), host: parsed.searchParams.get('host'), port: 5432
      }
    })
Model.knex(knex)

const COUNTED = ['required', 'optional', 'accepted', 'declined', 'tentative', 'needs_action']
const bound = (moment) => local ? `${moment.toISOString().replace('T', ' ').replace('Z', '')}000` : moment
const shown = (value) => value && (value instanceof Date ? value.toISOString() : `${value.replace(' ', 'T')}Z`)

class User extends Model {
  static tableName = 'users'
}

class Participant extends Model {
  static tableName = 'participants'
  static idColumn = ['event_id', 'user_id']
  static relationMappings = () => ({
    user: {
      relation: Model.BelongsToOneRelation, modelClass: User, join: { from: 'participants.user_id', to: 'users.id' }
    },
    event: {
      relation: Model.BelongsToOneRelation, modelClass: Event, join: { from: 'participants.event_id', to: 'events.id' }
    }
  })
}

class Event extends Model {
  static tableName = 'events'
  static jsonSchema = {
    type: 'object',
    required: ['host_id', 'title'],
    properties: {
      host_id: { type: 'integer' },
      title: { type: 'string', minLength: 1, maxLength: 200 },
      description: { type: 'string', maxLength: 10000 },
      location: { type: 'string', maxLength: 500 }
    }
  }

  static relationMappings = {
    participants: {
      relation: Model.HasManyRelation,
      modelClass: Participant,
      join: { from: 'events.id', to: 'participants.event_id' },
      modify: (query) => query.orderBy('user_id')
    }
  }
}

const seatJson = (participation, hostId) => ({
  user_id: participation.user_id,
  name: participation.user.name,
  email: participation.user.email,
  role: participation.role,
  response: participation.response,
  comment: participation.comment,
  responded_at: shown(participation.responded_at),
  is_host: participation.user_id === hostId
})

function eventJson (event, expand) {
  const counts = Object.fromEntries(COUNTED.map((name) => [name, event[`${name}_count`]]))
  const fields = {
    id: event.id,
    title: event.title,
    description: event.description,
    location: event.location,
    start: shown(event.starts_at),
    end: shown(event.ends_at),
    time_zone: event.time_zone,
    status: event.status,
    show_as: event.show_as,
    visibility: event.visibility,
    hide_participants: Boolean(event.hide_participants),
    host_id: event.host_id,
    participant_counts: { total: counts.required + counts.optional, ...counts },
    metadata: JSON.parse(event.metadata),
    version: event.version,
    created_at: shown(event.created_at),
    updated_at: shown(event.updated_at)
  }
  if (expand) fields.participants = event.participants.map((participation) => seatJson(participation, event.host_id))
  return fields
}

const wanted = Buffer.from(`Bearer ${process.env.TOKEN}`)
const app = express()
app.get('/health', (request, response) => response.json({ status: 'ready' }))
app.use(express.json())
app.use((request, response, next) => {
  const given = Buffer.from(request.get('authorization') ?? '')
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return next()
  response.status(401).json({ error: 'unauthorized' })
})

app.get('/v1/events', async (request, response) => {
  const { user_id: userId, from, expand } = request.query
  const limit = Number(request.query.limit ?? 50)
  const theirs = knex('participants').select('event_id').where('user_id', Number(userId))
    .union(knex('events').select('id').where('host_id', Number(userId)))
  const query = Event.query().whereIn('id', theirs).where('ends_at', '>', bound(new Date(from)))
    .whereNot('status', 'cancelled').orderBy(['starts_at', 'id']).limit(limit + 1)
  const rows = await (expand ? query.withGraphFetched('participants.user') : query)
  const last = rows.length > limit ? rows[limit - 1] : null
  const items = rows.slice(0, limit).map((event) => eventJson(event, expand))
  response.json({ items, next_cursor: last && `${shown(last.starts_at)},${last.id}` })
})

app.get('/v1/events/:id', async (request, response) => {
  const query = Event.query().findById(Number(request.params.id))
  const event = await (request.query.expand ? query.withGraphFetched('participants.user') : query)
  if (!event) return response.status(404).json({ error: 'not found' })
  response.json(eventJson(event, request.query.expand))
})

app.post('/v1/events', async (request, response) => {
  const { host_id: host, title, description = '', location = '', time_zone: zone = 'UTC' } = request.body
  const [start, end, now] = [new Date(request.body.start), new Date(request.body.end), bound(new Date())]
  if (!(end > start)) return response.status(422).json({ error: 'the end must come after the start' })
  const roles = new Map([[host, 'required']])
  for (const { user_id: id, role = 'required' } of request.body.participants ?? []) roles.set(id, role)
  const people = [...roles.keys()]
  const roleCount = (wantedRole) => [...roles.values()].filter((role) => role === wantedRole).length
  const made = await Event.transaction(async (trx) => {
    if (await User.query(trx).whereIn('id', people).resultSize() < people.length) return 422
    const conflict = await Participant.query(trx).joinRelated('event').whereIn('participants.user_id', people)
      .where('event.starts_at', '>', bound(new Date(start - 25 * 3_600_000)))
      .where('event.starts_at', '<', bound(end)).where('event.ends_at', '>', bound(start))
      .whereNot('event.status', 'cancelled').where('event.show_as', 'busy')
      .whereNot('participants.response', 'declined').first()
    if (conflict) return 409
    const event = await Event.query(trx).insert({
      host_id: host,
      title,
      description,
      location,
      starts_at: bound(start),
      ends_at: bound(end),
      time_zone: zone,
      status: 'confirmed',
      show_as: 'busy',
      visibility: 'default',
      metadata: '{}',
      required_count: roleCount('required'),
      optional_count: roleCount('optional'),
      accepted_count: 1,
      declined_count: 0,
      tentative_count: 0,
      needs_action_count: people.length - 1,
      version: 1,
      created_at: now,
      updated_at: now
    })
    await Participant.knexQuery().transacting(trx).insert(people.map((id) => ({
      event_id: event.id,
      user_id: id,
      role: roles.get(id),
      response: id === host ? 'accepted' : 'needs_action',
      responded_at: id === host ? now : null
    })))
    return event
  })
  if (typeof made === 'number') return response.status(made).json({ error: 'refused' })
  response.status(201).json(eventJson(made))
})

app.put('/v1/events/:id/participants/:user_id/response', async (request, response) => {
  const { response: said, comment = null } = request.body
  if (!['accepted', 'declined', 'tentative'].includes(said)) return response.status(422).json({ error: 'response' })
  const key = [Number(request.params.id), Number(request.params.user_id)]
  const now = bound(new Date())
  const made = await Event.transaction(async (trx) => {
    const participation = await Participant.query(trx).findById(key).withGraphFetched('[user, event]')
    if (!participation) return 404
    if (participation.event.status === 'cancelled') return 409
    await Participant.query(trx).findById(key).patch({ response: said, comment, responded_at: now })
    const counts = said === participation.response
      ? {}
      : {
          [`${participation.response}_count`]: participation.event[`${participation.response}_count`] - 1,
          [`${said}_count`]: participation.event[`${said}_count`] + 1
        }
    const version = participation.event.version + 1
    await Event.query(trx).findById(key[0]).patch({ ...counts, version, updated_at: now })
    return Object.assign(participation, { response: said, comment, responded_at: now })
  })
  if (typeof made === 'number') return response.status(made).json({ error: 'refused' })
  response.json(seatJson(made, made.event.host_id))
})

app.listen(Number(process.env.PORT), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
