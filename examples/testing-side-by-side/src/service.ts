import { AsyncLocalStorage } from 'node:async_hooks'

/** What can be wrong with the application: one at a time, planted by `createApp(bug)`. */
export const BUGS = {
  'wrong-length': 'a Content-Length that is not that of the body',
  'lost-abort': 'a stream goes on when its client has left',
  'un-ended-stream': 'a download is never ended',
  'hanging-handler': 'a handler never answers',
  'leaked-connection': 'a connection to a database is not closed at the end',
  'not-405': 'a wrong method is 404, without Allow',
  'upgrade-refused': 'a WebSocket is not upgraded',
  'context-lost': 'the middleware that sets the tenant is missing',
  'huge-cookie': 'a cookie of 20 KiB, too large to be sent back',
} as const

export type Bug = keyof typeof BUGS

/** The bug that this process is to have. */
export const plantedBug = process.env['PLANTED_BUG'] as Bug | undefined

/** Whom the present work is for: set by a middleware from a header, read by handlers. */
export const tenant = new AsyncLocalStorage<string>()

export const users = new Map([['1', { id: '1', name: 'Ada' }]])
export const REPORT = 'All is well.\n'
export const LINES = ['id,name\n', '1,Ada\n', '2,Grace\n']
/** The largest body that is read, in bytes. */
export const LIMIT = 10 * 1024

/** How many clients are reading ticks. */
export const ticking = { clients: 0 }

export function cookieOf(bug: Bug | undefined): string {
  return bug === 'huge-cookie' ? 'x'.repeat(20 * 1024) : 'ada'
}

export function lengthOf(bug: Bug | undefined): number {
  return REPORT.length + (bug === 'wrong-length' ? 10 : 0)
}

/** Stands for a connection to a database: keeps the process alive until it is closed. */
export class Database {
  readonly #heartbeat = setInterval(() => {}, 60_000)

  close(bug: Bug | undefined): void {
    if (bug !== 'leaked-connection') clearInterval(this.#heartbeat)
  }
}
