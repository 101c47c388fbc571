/** What a server may be asked to do in a bench. */
export const SCENARIO_NAMES = ['hello', 'params', 'json'] as const

export type ScenarioName = (typeof SCENARIO_NAMES)[number]

/** Every server is one module in `servers/`. */
export type ServerName = 'node-http' | 'allium' | 'fastify' | 'hono'

/** One request, the answer it must get, and who competes. */
export interface Scenario {
  readonly title: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly answer: { readonly type: string; readonly body: string }
  /** The server that all others are divided by. */
  readonly base: ServerName
  readonly servers: readonly ServerName[]
}

/** How many middlewares the `params` scenario goes through. */
export const MIDDLEWARE_COUNT = 5

/** 1 KiB of JSON that parsing and writing again leaves as it is. */
const RECORD = JSON.stringify({
  id: 4711,
  name: 'Ada Lovelace',
  tags: ['analytical', 'engine', 'notes'],
  address: { city: 'London', zip: 'W1', position: [51.5074, -0.1278] },
  active: true,
  manager: null,
  text: 'x'.repeat(845),
})

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  hello: {
    title: 'GET / answered with a short text',
    method: 'GET',
    path: '/',
    headers: {},
    body: undefined,
    answer: { type: 'text/plain', body: 'Hello, world!' },
    base: 'node-http',
    servers: ['node-http', 'allium', 'fastify', 'hono'],
  },
  params: {
    // Without a router and an onion there is nothing to compare with, so that the base is a framework.
    title: 'GET /api/files/:id among 72 routes, through 5 async middlewares',
    method: 'GET',
    path: '/api/files/4711',
    headers: {},
    body: undefined,
    answer: { type: 'text/plain', body: 'file 4711' },
    base: 'fastify',
    servers: ['fastify', 'allium', 'hono'],
  },
  json: {
    title: `POST of ${Buffer.byteLength(RECORD)} bytes of JSON, parsed and written back`,
    method: 'POST',
    path: '/echo',
    headers: { 'content-type': 'application/json' },
    body: RECORD,
    answer: { type: 'application/json', body: RECORD },
    base: 'node-http',
    servers: ['node-http', 'allium', 'fastify', 'hono'],
  },
}

/** Whether a text is the name of a scenario. */
export function isScenarioName(text: string): text is ScenarioName {
  return (SCENARIO_NAMES as readonly string[]).includes(text)
}
