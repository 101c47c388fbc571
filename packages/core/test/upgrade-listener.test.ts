import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'

import { Application, text } from '@allium/core'
import t from 'tap'

import { askFor, Echo } from './echo-upgrade.ts'

t.test('app.upgradeListener()', async t => {
  t.test('serves the upgrades of a server that somebody else has made', async t => {
    const app = new Application()
    app.get('/echo', () => new Echo())
    app.get('/', () => text('<plain>'))
    await app.startup()
    const server = createServer(app.nodeListener())
      .on('upgrade', app.upgradeListener())
      .listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => app.cleanup())
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo

    const echo = connect(port, '127.0.0.1', () => echo.write(`${askFor('/echo')}hello`))
    t.match(String(await once(echo, 'data')), /^HTTP\/1\.1 101 /)
    echo.destroy()
    const plain = connect(port, '127.0.0.1', () => plain.write(askFor('/').replace('websocket', 'h2c')))
    t.match(String(await once(plain, 'data')), /^HTTP\/1\.1 200 [^]*Connection: close/)
    plain.destroy()
    const posted = connect(port, '127.0.0.1', () => posted.write(`${askFor('/', 'Content-Length: 1\r\n')}x`))
    t.match(String(await once(posted, 'data')), /^HTTP\/1\.1 400 /)
    posted.destroy()
  })
})
