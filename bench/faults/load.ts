import { connect } from 'node:net'
import type { NetConnectOpts, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What became of the requests of a {@link Load}. */
export interface LoadCounts {
  /** Requests that were written to an open connection. */
  sent: number
  /** Those with a whole answer of status 200. */
  answered: number
  /** Those with another answer, with half of one, or with none. */
  failed: number
  /** Connections that could not be opened: nothing was sent. */
  refused: number
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n'
/** How long a client waits that was refused, in milliseconds. */
const PATIENCE = 10
/** How long an answer is waited for, in milliseconds. */
const LONGEST = 10_000

/**
 * Clients that ask without pause: some over a connection that they keep as long as they may, as wrk does, and some over a new
 * connection for each request, so that at any moment connections are just being opened.
 */
export class Load {
  readonly counts: LoadCounts = { sent: 0, answered: 0, failed: 0, refused: 0 }
  /** When each failure was, and how. */
  readonly failures: string[] = []
  readonly #target: NetConnectOpts
  readonly #clients: Promise<void>[]
  readonly #startedAt = performance.now()
  #isOver = false

  constructor(target: NetConnectOpts, kept: number, fresh: number) {
    this.#target = target
    this.#clients = [
      ...Array.from({ length: kept }, () => this.#ask(REQUEST + '\r\n')),
      ...Array.from({ length: fresh }, () => this.#ask(`${REQUEST}Connection: close\r\n\r\n`)),
    ]
  }

  /** Settles when so many more requests have been answered. */
  async answered(count: number): Promise<void> {
    const goal = this.counts.answered + count
    while (this.counts.answered < goal && !this.#isOver) await delay(5)
  }

  /** Settles when every request has its answer, or will have none. */
  async stop(): Promise<LoadCounts> {
    this.#isOver = true
    await Promise.all(this.#clients)
    return this.counts
  }

  async #ask(request: string): Promise<void> {
    while (!this.#isOver) {
      const socket = await this.#open()
      if (socket) await this.#converse(socket, request)
      else await delay(PATIENCE)
    }
  }

  #open(): Promise<Socket | undefined> {
    return new Promise(resolve => {
      const socket = connect(this.#target).setEncoding('latin1')
      const refuse = () => {
        this.counts.refused++
        resolve(undefined)
      }
      socket.once('error', refuse).once('connect', () => {
        socket.off('error', refuse).on('error', () => {})
        socket.setTimeout(LONGEST, () => socket.destroy())
        resolve(socket)
      })
    })
  }

  /** Asks again and again until an answer is the last one. */
  async #converse(socket: Socket, request: string): Promise<void> {
    for (let isLast = false; !isLast;) {
      this.counts.sent++
      socket.write(request)
      const answer = await receive(socket)
      isLast = this.#isOver || /^connection: close/im.test(answer) || !isWhole(answer)
      if (isWhole(answer)) this.counts.answered++
      else this.#fail(answer)
    }
    socket.destroy()
  }

  #fail(answer: string): void {
    this.counts.failed++
    const after = Math.round(performance.now() - this.#startedAt)
    this.failures.push(`after ${after} ms: ${JSON.stringify(answer.slice(0, 40))}`)
  }
}

/** What arrives until an answer is whole, or the connection is over. */
function receive(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    let received = ''
    const end = () => {
      socket.off('data', take).off('close', end).off('end', end)
      resolve(received)
    }
    const take = (chunk: string) => {
      received += chunk
      if (isWhole(received)) end()
    }
    socket.on('data', take).on('close', end).on('end', end)
    if (socket.destroyed) end()
  })
}

function isWhole(answer: string): boolean {
  return answer.startsWith('HTTP/1.1 200') && answer.endsWith('\r\n\r\nhello')
}
