import { memorySocketPair } from '@allium/core/memory-socket'
import type { MemorySocket } from '@allium/core/memory-socket'
import t from 'tap'

import { RawConnection } from './raw-connection.ts'

function connect(timeout = 1000): { connection: RawConnection; server: MemorySocket } {
  const pair = memorySocketPair()
  return { connection: new RawConnection(pair.client, timeout), server: pair.server }
}

t.test('what is sent arrives, until the direction is ended', async t => {
  const { connection, server } = connect()
  await connection.send('a')
  await connection.send(new Uint8Array([0xff]))
  connection.end('b')
  const chunks: Buffer[] = []
  for await (const chunk of server) chunks.push(chunk as Buffer)

  t.equal(Buffer.concat(chunks).toString('latin1'), 'a\xffb')
  connection.end()
})

t.test('receiveUntil gives what came up to a match, and keeps the rest', async t => {
  const { connection, server } = connect()
  const first = connection.receiveUntil('\r\n')
  server.write('one\r')
  server.write('\ntwo;three')

  t.equal(await first, 'one\r\n')
  t.equal(await connection.receiveUntil(/;/), 'two;')
  server.end(new Uint8Array([0xff]))
  t.equal(await connection.receive(), 'three\xff')
  t.equal(await connection.closed, 'ended')
  t.equal(await connection.receive(), '')
})

t.test('receiveUntil fails at the end, and shows what came', async t => {
  const { connection, server } = connect()
  server.end('abc')

  await t.rejects(connection.receiveUntil('x'), {
    message: 'Cannot receive "x": the connection has ended, after "abc"',
  })
})

t.test('a reset is told apart from an end', async t => {
  const { connection, server } = connect()
  const waiting = connection.receiveUntil(/x/)
  server.resetAndDestroy()

  await t.rejects(waiting, {
    message: 'Cannot receive /x/: read ECONNRESET, after ""',
    cause: { code: 'ECONNRESET' },
  })
  t.equal(await connection.closed, 'reset')
  await t.rejects(connection.send('a'), Error)
})

t.test('nothing that comes is an error after the timeout, and not the end', async t => {
  const { connection, server } = connect(20)

  await t.rejects(connection.receive(), {
    name: 'TimeoutError',
    message: 'Cannot receive the end: it did not come within 20 ms, after ""',
  })
  server.write('late')
  t.equal(await connection.receiveUntil('late'), 'late')
})

t.test('what is waited for without end comes', async t => {
  const { connection, server } = connect(Infinity)
  const received = connection.receiveUntil('late')
  server.write('late')

  t.equal(await received, 'late')
})

t.test('two calls cannot wait at once', async t => {
  const { connection } = connect()
  const first = connection.receive()

  await t.rejects(connection.receive(), { message: 'Cannot receive: an earlier call is still waiting' })
  connection.destroy()
  t.equal(await first, '')
})
