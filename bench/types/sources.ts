/** An application of many routes, as one writes it with one framework. */
export interface Source {
  readonly name: string
  /** Without routes: what the types of the framework cost by themselves. */
  readonly empty: () => string
  /** With so many routes, each of which reads a param. */
  readonly routes: (count: number) => string
}

const allium: Source = {
  name: 'allium',
  empty: () => `import { Application, text } from '@allium/core'
export const app: Application = new Application()
export { text }
`,
  routes: count =>
    allium.empty() + each(count, i => `app.get('${path(i)}', ({ params }) => text(params.id + params.part))`),
}

const alliumUrls: Source = {
  name: 'allium, with a URL of each route',
  empty: allium.empty,
  routes: count =>
    allium.empty() +
    each(
      count,
      i => `const route${i} = app.get('${path(i)}', ({ params }) => text(params.id + params.part))
export const url${i}: string = route${i}.url({ id: '1', part: 'x' })`,
    ),
}

const fastify: Source = {
  name: 'fastify',
  empty: () => `import { fastify } from 'fastify'
export const app = fastify()
`,
  routes: count =>
    fastify.empty() +
    each(
      count,
      i =>
        `app.get<{ Params: { id: string; part: string } }>('${path(i)}', ({ params }) => params.id + params.part)`,
    ),
}

const hono: Source = {
  name: 'hono, a statement for each route',
  empty: () => `import { Hono } from 'hono'
export const app = new Hono()
`,
  routes: count =>
    hono.empty() +
    each(
      count,
      i =>
        `app.get('${path(i)}', context => context.text(context.req.param('id') + context.req.param('part')))`,
    ),
}

const honoChained: Source = {
  name: 'hono, chained for its client',
  empty: hono.empty,
  routes: count => `import { Hono } from 'hono'
export const app = new Hono()
${each(count, i => `  .get('${path(i)}', context => context.text(context.req.param('id') + context.req.param('part')))`)}
`,
}

const express: Source = {
  name: 'express',
  empty: () => `import express from 'express'
export const app = express()
`,
  routes: count =>
    express.empty() +
    each(
      count,
      i => `app.get('${path(i)}', ({ params }, response) => void response.send(params.id + params.part))`,
    ),
}

/** All of them. */
export const sources: readonly Source[] = [allium, alliumUrls, fastify, hono, honoChained, express]

function path(i: number): string {
  return `/area${i % 10}/resource${i}/:id/part/:part`
}

function each(count: number, write: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => write(i)).join('\n') + '\n'
}
