import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'

import { Application, AppRunner, createLogger, html, json, Response } from '@allium/core'
import { websocket } from '@allium/ws'
import type { DeflateOptions, WebSocketMessage, WebSocketOptions, WebSocketResponse } from '@allium/ws'
import type { Test } from 'tap'

import { readFrames } from './raw-frames.ts'

const MIB = 1024 * 1024
const PONG = 10
const script = readFileSync(new URL('../../test/fixtures/conformance.js', import.meta.url))

// The list has messages of 16 MiB, and one of 65,536 fragments.
const limits: WebSocketOptions = { maxMessageSize: 16 * MIB, maxFragments: 128 * 1024 }
const compressions: Readonly<Record<string, DeflateOptions>> = {
  '/deflate': {},
  '/takeover': { serverContextTakeover: true, clientContextTakeover: true },
  '/takeover/server': { serverContextTakeover: true },
  '/takeover/client': { clientContextTakeover: true },
  '/window/server': { serverMaxWindowBits: 9 },
  '/window/client': { clientMaxWindowBits: 10 },
  '/window/both': { serverMaxWindowBits: 12, clientMaxWindowBits: 12, serverContextTakeover: true },
}

/** Serves what the clients of the conformance tests talk to, and gives its port. */
export async function serve(t: Test): Promise<number> {
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.get('/', () => html('<!doctype html><title>Conformance</title><script src="/page.js"></script>'))
  app.get('/page.js', () => new Response(script, { headers: { 'content-type': 'text/javascript' } }))
  app.get('/plain', websocket(echo, limits))
  for (const [path, options] of Object.entries(compressions)) {
    app.get(path, websocket(echo, { ...limits, perMessageDeflate: { threshold: 0, ...options } }))
  }
  app.get('/crossed', websocket(cross))
  app.get('/protocols', websocket(echo, { protocols: ['v1', 'v2'] }))
  app.get('/any-origin', websocket(echo, { allowedOrigins: '*' }))
  app.get('/named-origin', websocket(echo, { allowedOrigins: /http:\/\/127\.0\.0\.1:\d+/ }))
  addFrames(app)
  addEnds(app)
  const runner = new AppRunner(app, { shutdownTimeout: 1000 })
  await runner.startup()
  t.teardown(() => runner.stop())
  return (await runner.listen({ host: '127.0.0.1', port: 0 })).port
}

async function echo(socket: WebSocketResponse): Promise<void> {
  for await (const message of socket) await sendBack(socket, message)
}

function sendBack(socket: WebSocketResponse, message: WebSocketMessage): Promise<void> {
  return socket.send(message.type === 'text' ? message.text() : message.bytes())
}

/** Answers text with its bytes, and bytes with their text. */
async function cross(socket: WebSocketResponse): Promise<void> {
  for await (const message of socket) {
    await socket.send(message.type === 'text' ? Buffer.from(message.text()) : message.bytes().toString())
  }
}

/** Routes that look at the frames of their clients. */
function addFrames(app: Application): void {
  app.get(
    '/frames',
    websocket(async (socket, { raw }) => {
      const frames = collectFrames(raw)
      for await (const message of socket) {
        await sendBack(socket, message)
        await socket.send(`${frames().length}`)
      }
    }, limits),
  )
  app.get(
    '/pings',
    websocket(async (socket, { raw }) => {
      const frames = collectFrames(raw)
      for await (const message of socket) {
        frames()
        const answer = once(raw.socket, 'data')
        await socket.pong('nobody has asked')
        await socket.ping(message.bytes())
        await answer
        const [pong] = frames()
        await socket.send(pong?.opcode === PONG ? pong.payload : `frame ${pong?.opcode}`)
      }
    }),
  )
  app.get(
    '/heartbeat',
    websocket(
      async (socket, { raw }) => {
        const frames = collectFrames(raw)
        for await (const _ of socket) {
          await socket.send(`${frames().filter(({ opcode }) => opcode === PONG).length}`)
        }
      },
      { heartbeat: 1000 },
    ),
  )
}

/** Gives the frames of the client that have come since it was asked last. */
function collectFrames({ socket }: IncomingMessage): () => ReturnType<typeof readFrames> {
  const pieces: Buffer[] = []
  // A copy, before anybody else has seen it: frames are unmasked where they are.
  socket.prependListener('data', (piece: Buffer) => pieces.push(Buffer.from(piece)))
  return () => readFrames(Buffer.concat(pieces.splice(0)))
}

/** Routes that end in one way each, and one that tells how the client has ended it. */
function addEnds(app: Application): void {
  const endings = new Map<string, Promise<unknown>>()
  app.get(
    '/until-closed/:id',
    websocket((socket, { params }) => {
      const ending = observe(socket)
      endings.set(params.id, ending)
      return ending
    }),
  )
  app.get('/endings/:id', async ({ params }) => json(await endings.get(params.id)))
  app.get(
    '/closes/:code',
    websocket((socket, { params, query }) =>
      socket.close(Number(params.code), query.get('reason') ?? undefined),
    ),
  )
  const readText = async (socket: WebSocketResponse) => {
    for await (const message of socket) message.text()
  }
  app.get(
    '/returns',
    websocket(socket => socket.send('all')),
  )
  app.get(
    '/throws',
    websocket(() => Promise.reject(new Error('thrown on purpose'))),
  )
  app.get(
    '/cuts',
    websocket(socket => socket.terminate()),
  )
  app.get('/reads-text', websocket(readText))
  app.get(
    '/reads-json',
    websocket(socket => socket.receiveJson()),
  )
  app.get('/reads-little', websocket(readText, { maxMessageSize: 1024 }))
  app.get('/reads-slowly', websocket(readText, { rate: { messages: 2, interval: 60_000 } }))
}

/** How many characters the messages had, and what the client closed with. */
async function observe(socket: WebSocketResponse): Promise<unknown> {
  const lengths: number[] = []
  for await (const message of socket) lengths.push(message.text().length)
  return { lengths, code: socket.closeCode, reason: socket.closeReason }
}
