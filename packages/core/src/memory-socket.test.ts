import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

import t from 'tap'

import { memorySocketPair } from './memory-socket.ts'

t.test('memorySocketPair', async t => {
  t.test('gives both ends the addresses that were asked for', async t => {
    const { client, server } = memorySocketPair({
      clientAddress: '2001:db8::1',
      clientPort: 4711,
      encrypted: true,
    })

    t.same(server.address(), { address: '127.0.0.1', port: 443, family: 'IPv4' })
    t.same([server.remoteAddress, server.remotePort, server.remoteFamily], ['2001:db8::1', 4711, 'IPv6'])
    t.same([client.localAddress, client.localPort, client.localFamily], ['2001:db8::1', 4711, 'IPv6'])
    t.same([client.remoteAddress, client.remotePort, client.remoteFamily], ['127.0.0.1', 443, 'IPv4'])
    t.ok(client.encrypted && server.encrypted)
    t.notOk(client.connecting || client.pending)
  })

  t.test('gives each connection a client port of its own', async t => {
    const ports = [1, 2, 3].map(() => memorySocketPair().client.localPort)

    t.equal(new Set(ports).size, 3)
    t.ok(ports.every(port => port >= 49_152 && port <= 65_535))
  })

  t.test('refuses what is no port', async t => {
    t.throws(
      () => memorySocketPair({ clientPort: 65_536 }),
      RangeError('Cannot make a memory socket: "65536" is not a port'),
    )
    t.throws(() => memorySocketPair({ serverPort: 1.5 }), RangeError)
  })

  t.test('takes a copy of what is written', async t => {
    const { client, server } = memorySocketPair()
    const bytes = Buffer.from('before')
    client.write(bytes)
    bytes.fill('x')
    client.end()

    t.equal(await text(server), 'before')
  })

  t.test('delivers nothing inside the call that sent it', async t => {
    const { client, server } = memorySocketPair()
    let arrived = false
    server.on('data', () => (arrived = true))
    client.write('a')
    const atOnce = arrived
    await delay(1)

    t.notOk(atOnce)
    t.ok(arrived)
  })

  t.test('joins what was corked', async t => {
    const { client, server } = memorySocketPair()
    client.cork()
    for (const letter of ['a', 'b', 'c']) client.write(letter)
    client.uncork()

    t.equal(String((await once(server, 'data'))[0]), 'abc')
  })

  t.test('lets timers run while two ends talk without a pause', async t => {
    const { client, server } = memorySocketPair()
    let stop = false
    server.on('data', chunk => server.write(chunk as Buffer))
    client.on('data', chunk => stop || client.write(chunk as Buffer))
    client.write('ping')
    await delay(5)
    stop = true

    t.ok(client.bytesRead > 0)
  })

  t.test('an end that arrives closes a client, and leaves a server open for writing', async t => {
    const one = memorySocketPair()
    one.client.end()
    one.server.resume()
    await once(one.server, 'end')
    const two = memorySocketPair()
    two.server.end()
    two.client.resume()
    await once(two.client, 'close')

    t.equal(one.server.readyState, 'writeOnly')
    t.equal(one.client.readyState, 'readOnly')
    t.equal(two.client.readyState, 'closed')
    t.equal(memorySocketPair().client.readyState, 'open')
  })

  t.test('destroySoon waits for what was written', async t => {
    const { client, server } = memorySocketPair({ highWaterMark: 16 })
    server.write('x'.repeat(100))
    server.destroySoon()
    const wasDestroyed = server.destroyed

    t.equal((await text(client)).length, 100)
    t.notOk(wasDestroyed)
    server.destroySoon()
    t.ok(server.destroyed)
  })
})

t.test('A destroyed memory socket', async t => {
  t.test('is seen as an end where everything had been read', async t => {
    const { client, server } = memorySocketPair()
    client.destroy(new Error('private'))
    client.on('error', () => undefined)

    await once(server, 'end')
    t.equal(server.errored, null)
  })

  t.test('still delivers what it had written', async t => {
    const { client, server } = memorySocketPair()
    client.write('last words', error => t.match(error, { code: 'ECANCELED' }))
    client.destroy()

    t.equal(await text(server), 'last words')
  })

  t.test('is seen as a reset where bytes were unread', async t => {
    const { client, server } = memorySocketPair()
    client.write('unread')
    await delay(1)
    server.destroy()

    const [error] = (await once(client, 'error')) as [Error]
    t.match(error, { code: 'ECONNRESET', syscall: 'read', message: 'read ECONNRESET' })
  })

  t.test('is seen as a reset where bytes were on their way', async t => {
    const { client, server } = memorySocketPair({ highWaterMark: 16 })
    let failed: Error | null | undefined
    client.write('x'.repeat(200_000), error => (failed = error))
    await delay(1)
    server.destroy()

    await t.rejects(once(client, 'close'), { code: 'ECONNRESET' })
    t.match(failed, { code: 'ECANCELED' })
  })

  t.test('is seen as a reset where one was asked for', async t => {
    const { client, server } = memorySocketPair()
    server.end()
    server.resetAndDestroy()

    await t.rejects(once(client, 'close'), { code: 'ECONNRESET' })
  })

  t.test('fails what is written to it', async t => {
    const { client, server } = memorySocketPair()
    client.destroy()
    server.write('too late')

    await t.rejects(once(server, 'close'), { code: 'EPIPE', syscall: 'write' })
  })

  t.test('fails what was written just before', async t => {
    const { client, server } = memorySocketPair()
    server.write('too late')
    client.destroy()

    await t.rejects(once(server, 'close'), { code: 'EPIPE' })
  })
})

t.test('what only a network has can be called', async t => {
  const { client } = memorySocketPair()

  t.equal(client.setKeepAlive(true, 10).setNoDelay(true).ref().unref(), client)
})
