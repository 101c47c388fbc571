import { Application, createLogger, HttpNotFound, HttpServiceUnavailable, Response, text } from '@allium/core'
import type { Request } from '@allium/core'
import { testClient } from '@allium/testing'

import { overEachTransport } from './transports.ts'

const silent = createLogger('error', () => {})

overEachTransport('hooks', (t, transport) => {
  t.test('prepare hooks run last added first, then the signals, root first, on every response', async t => {
    const app = new Application()
    const inner = new Application()
    const note = (name: string) => (_: unknown, response: Response) =>
      response.headers.append('x-order', name)
    app.onResponsePrepare.add(note('root'))
    inner.onResponsePrepare.add(note('inner'))
    inner.get('/', request => {
      request.onPrepare(note('first'))
      request.onPrepare(note('second'))
      throw new HttpNotFound()
    })
    app.mount('/inner', inner)
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/inner')).headers.get('x-order'), 'second, first, root, inner')
    t.equal((await client.get('/nowhere')).headers.get('x-order'), 'root')
  })

  t.test('a prepare hook that throws replaces the answer; an HttpError keeps its status', async t => {
    const app = new Application({ logger: silent })
    app.get('/:kind', request => {
      request.onPrepare(() => {
        throw request.params.kind === 'http' ? new HttpServiceUnavailable() : new Error('secret')
      })
      return text('never')
    })
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/http')).status, 503)
    t.equal(await (await client.get('/other')).text(), '500: Internal Server Error\n')
  })

  t.test('tells whether prepare hooks are over, and runs finish hooks at the end', async t => {
    const seen: (boolean | string)[] = []
    const errors: string[] = []
    const app = new Application({
      logger: { ...silent, error: (_: unknown, message?: string) => void errors.push(message!) },
    })
    app.get('/', request => {
      seen.push(request.isPrepared)
      request.onPrepare(request => void seen.push(request.isPrepared))
      request.onFinish(() => {
        throw new Error('broken')
      })
      request.onFinish(() => void seen.push('finished'))
      return new Response(body(request))
    })
    async function* body(request: Request) {
      yield 'a'
      seen.push(request.isPrepared, 'sent')
    }
    const client = await testClient(t, app, { transport })

    await (await client.get('/')).text()
    await client.close()

    t.strictSame(seen, [false, true, true, 'sent', 'finished'])
    t.strictSame(errors, ['A hook on the end of a request failed'])
  })
})

overEachTransport('prepare hooks', (t, transport) => {
  t.test('see every answer, refusals too, and may change it (P11)', async t => {
    const app = new Application({ logger: silent })
    app.onResponsePrepare.add(async (_, response) => {
      await Promise.resolve()
      response.headers.set('x-status', String(response.status))
      response.cookies.set('seen', '1')
    })
    app.get('/', () => text('x'))
    app.get('/fails', () => Promise.reject(new Error('secret')))
    const client = await testClient(t, app, { transport })

    for (const path of ['/', '/fails', '/missing', '/%']) {
      const response = await client.get(path)
      t.equal(response.headers.get('x-status'), String(response.status), path)
      t.match(response.headers.getSetCookie(), [/^seen=1/])
    }
  })

  t.test('run once, not again for the answer that replaces theirs (P33)', async t => {
    let runs = 0
    const app = new Application({ logger: silent })
    app.onResponsePrepare.add(() => {
      runs++
      throw new Error('secret')
    })
    app.get('/', () => text('x', { headers: { 'x-lost': '1' } }))
    const client = await testClient(t, app, { transport })

    const response = await client.get('/')

    t.equal(`${response.status} ${await response.text()}`, '500 500: Internal Server Error\n')
    t.equal(response.headers.get('x-lost'), null)
    t.equal(runs, 1)
  })
})
