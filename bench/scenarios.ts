import {
  BOUNDARY,
  fileText,
  FORM,
  FORM_READ,
  MIDDLEWARE_COUNT,
  RECORD,
  RECORDS,
  ROW,
  SLOWNESS,
} from './payloads.ts'
import type { Scenario } from './scenario.ts'

const GET = { method: 'GET', path: '/', headers: {}, body: undefined, base: 'node-http' } as const

export const scenarios = {
  hello: {
    ...GET,
    title: 'GET / answered with a short text',
    answer: { type: 'text/plain', body: 'Hello, world!' },
    servers: ['node-http', 'allium', 'fastify', 'hono', 'h3', 'koa', 'express', 'polka', 'hapi', 'aiohttp'],
  },
  params: {
    ...GET,
    title: `GET /api/files/:id among 72 routes, through ${MIDDLEWARE_COUNT} async middlewares`,
    path: '/api/files/4711',
    answer: { type: 'text/plain', body: 'file 4711' },
    base: 'fastify', // without a router and an onion there is nothing to compare with
    servers: ['fastify', 'allium', 'hono', 'h3', 'koa', 'express', 'polka', 'aiohttp'],
  },
  json: {
    title: `POST of ${Buffer.byteLength(RECORD)} bytes of JSON, parsed and written back`,
    method: 'POST',
    path: '/echo',
    headers: { 'content-type': 'application/json' },
    body: RECORD,
    answer: { type: 'application/json', body: RECORD },
    base: 'node-http',
    servers: ['node-http', 'allium', 'fastify', 'hono', 'h3', 'koa', 'express', 'polka', 'hapi', 'aiohttp'],
  },
  'json-out': {
    ...GET,
    title: `GET of ${Math.round(JSON.stringify(RECORDS).length / 1024)} KiB of JSON, written anew for each request`,
    answer: { type: 'application/json', body: JSON.stringify(RECORDS) },
    servers: ['node-http', 'allium', 'fastify', 'hono', 'h3', 'koa', 'express'],
  },
  'file-10k': {
    ...GET,
    title: 'GET of a file of 10 KiB; by hand: `send`',
    path: '/files/10k.txt',
    answer: { type: 'text/plain', body: fileText(10 * 1024) },
    servers: ['node-http', 'allium', 'express', 'nginx'],
  },
  'file-10m': {
    ...GET,
    title: 'GET of a file of 10 MiB by 4 clients at once; by hand: `send`',
    path: '/files/10m.txt',
    answer: { type: 'text/plain', body: fileText(10 * 1024 * 1024) },
    connections: 4, // answers that a burst leaves half sent cost, but do not count
    servers: ['node-http', 'allium', 'express', 'nginx'],
  },
  upload: {
    title: 'POST of a form with a file of 64 KiB; by hand: `busboy`',
    method: 'POST',
    path: '/upload',
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    body: FORM,
    answer: { type: 'text/plain', body: FORM_READ },
    base: 'node-http',
    servers: ['node-http', 'allium', 'fastify', 'hono'],
  },
  'sealed-session': {
    ...GET,
    title: 'GET that reads a session out of a sealed cookie; by hand: `iron-session`',
    path: '/account',
    answer: { type: 'text/plain', body: 'ada' },
    login: '/login',
    servers: ['node-http', 'allium'],
  },
  'redis-session': {
    ...GET,
    title:
      'GET by 64 visitors that reads a session out of Redis and writes it; base: `express-session`, `connect-redis`',
    path: '/visit',
    answer: { type: 'text/plain', body: 'ada' },
    login: '/login',
    visitors: 64,
    base: 'express', // by hand nobody keeps sessions in Redis
    servers: ['express', 'allium', 'fastify'],
  },
  database: {
    ...GET,
    title: 'GET answered with one row of PostgreSQL, through a pool of 10 connections of `pg`',
    path: '/row',
    answer: { type: 'application/json', body: JSON.stringify(ROW) },
    servers: ['node-http', 'allium', 'fastify', 'hono', 'express'],
  },
  upstream: {
    ...GET,
    title: 'GET answered with what another service says over HTTP, through an agent that keeps connections',
    path: '/relay',
    answer: { type: 'text/plain', body: 'Hello from next door' },
    servers: ['node-http', 'allium', 'fastify', 'hono', 'express'],
  },
  slow: {
    ...GET,
    title: `GET by 1,000 clients at once, each handler taking ${SLOWNESS} ms`,
    path: '/slow',
    answer: { type: 'text/plain', body: 'at last' },
    connections: 1000,
    servers: ['node-http', 'allium', 'fastify', 'hono', 'koa', 'express', 'aiohttp'],
  },
} as const satisfies Readonly<Record<string, Scenario>>

/** What a server may be asked to do in a bench. */
export type ScenarioName = keyof typeof scenarios

/** The names of all scenarios, in the order in which they are run. */
export const SCENARIO_NAMES = Object.keys(scenarios) as readonly ScenarioName[]

/** Whether a text is the name of a scenario. */
export function isScenarioName(text: string): text is ScenarioName {
  return Object.hasOwn(scenarios, text)
}
