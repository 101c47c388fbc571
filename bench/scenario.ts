/** Every server is one module in `servers/`; `aiohttp` is one of Python's, `nginx` starts it, `neighbour` never competes. */
export type ServerName =
  | 'node-http'
  | 'allium'
  | 'fastify'
  | 'hono'
  | 'h3'
  | 'koa'
  | 'express'
  | 'polka'
  | 'hapi'
  | 'aiohttp'
  | 'nginx'
  | 'neighbour'

/** One request, the answer it must get, and who competes. */
export interface Scenario {
  readonly title: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly answer: { readonly type: string; readonly body: string }
  /** Where a cookie is to be had that the request is sent with. */
  readonly login?: string
  /** How many cookies requests are sent with in turn; 1 where it is not said. */
  readonly visitors?: number
  /** Connections that are open at once, where it is not the usual number. */
  readonly connections?: number
  /** The server that all others are divided by. */
  readonly base: ServerName
  readonly servers: readonly ServerName[]
}
