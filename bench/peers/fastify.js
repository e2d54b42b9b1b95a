// A peer: Fastify with better-sqlite3, or pg for PostgreSQL; JSON Schema in and out, prepared statements.
import { timingSafeEqual } from 'node:crypto'
import Fastify from 'fastify'
import { openStore } from './fastify_store.js'

const text = { type: 'string' }
const whole = { type: 'integer' }
const object = (properties, required = Object.keys(properties)) => ({ type: 'object', properties, required })
const counts = object(Object.fromEntries(
  ['total', 'required', 'optional', 'accepted', 'declined', 'tentative', 'needs_action'].map((name) => [name, whole])))
const participant = object({
  user_id: whole, name: text, email: text, role: text, response: text, comment: { type: 'string', nullable: true },
  responded_at: { type: 'string', nullable: true }, is_host: { type: 'boolean' }
})
const fields = {
  id: whole, title: text, description: text, location: text, start: text, end: text, time_zone: text, status: text,
  show_as: text, visibility: text, hide_participants: { type: 'boolean' }, host_id: whole, participant_counts: counts,
  metadata: { type: 'object', additionalProperties: true }, version: whole, created_at: text, updated_at: text
}
const event = object({ ...fields, participants: { type: 'array', items: participant } }, Object.keys(fields))
const page = object({ items: { type: 'array', items: event }, next_cursor: { type: 'string', nullable: true } })
const expand = { type: 'string', enum: ['participants'] }
const moment = { type: 'string', format: 'date-time' }

const store = await openStore(process.env.DATABASE_URL)
const wanted = Buffer.from(`Bearer ${process.env.TOKEN}`)
const app = Fastify()

app.addHook('onRequest', async (request, reply) => {
  const given = Buffer.from(request.headers.authorization ?? '')
  if (request.url !== '/health' && !(given.length === wanted.length && timingSafeEqual(given, wanted))) {
    return reply.code(401).send({ error: 'unauthorized' })
  }
})

app.get('/health', async () => ({ status: 'ready' }))

app.get('/v1/events', {
  schema: {
    querystring: object(
      { user_id: whole, from: moment, limit: { ...whole, minimum: 1, maximum: 250, default: 50 }, expand },
      ['user_id', 'from']),
    response: { 200: page }
  }
}, async (request) => {
  const { user_id: userId, from, limit, expand: expanded } = request.query
  const rows = await store.agenda(userId, new Date(from), limit + 1)
  const items = rows.slice(0, limit)
  const last = rows.length > limit ? items[limit - 1] : null
  if (expanded) await store.participation(items)
  return { items, next_cursor: last && `${last.start},${last.id}` }
})

app.get('/v1/events/:id', {
  schema: { params: object({ id: whole }), querystring: object({ expand }, []), response: { 200: event } }
}, async (request, reply) => {
  const found = await store.event(request.params.id)
  if (!found) return reply.code(404).send({ error: 'not found' })
  if (request.query.expand) await store.participation([found])
  return found
})

app.post('/v1/events', {
  schema: {
    body: object({
      host_id: whole, title: { ...text, minLength: 1, maxLength: 200 }, description: { ...text, default: '' },
      location: { ...text, default: '' }, start: moment, end: moment, time_zone: { ...text, default: 'UTC' },
      participants: {
        type: 'array',
        default: [],
        maxItems: 500,
        items: object({ user_id: whole, role: { enum: ['required', 'optional'], default: 'required' } }, ['user_id'])
      }
    }, ['host_id', 'title', 'start', 'end']),
    response: { 201: event }
  }
}, async (request, reply) => {
  const draft = { ...request.body, start: new Date(request.body.start), end: new Date(request.body.end) }
  if (draft.end <= draft.start) return reply.code(422).send({ error: 'the end must come after the start' })
  const roles = new Map([[draft.host_id, 'required']])
  for (const { user_id: id, role } of draft.participants) roles.set(id, role)
  const made = await store.create(draft, roles)
  return made.refused ? reply.code(made.refused).send({ error: 'refused' }) : reply.code(201).send(made)
})

app.put('/v1/events/:id/participants/:user_id/response', {
  schema: {
    params: object({ id: whole, user_id: whole }),
    body: object(
      { response: { enum: ['accepted', 'declined', 'tentative'] }, comment: { type: 'string', nullable: true } },
      ['response']),
    response: { 200: participant }
  }
}, async (request, reply) => {
  const { id, user_id: userId } = request.params
  const participation = await store.answer(id, userId, request.body.response, request.body.comment ?? null)
  return participation.refused ? reply.code(participation.refused).send({ error: 'refused' }) : participation
})

await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
process.on('SIGTERM', () => process.exit(0))
