import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { Application, AppRunner, createLogger, HttpForbidden, json, Response, text } from '@allium/core'
import type { UploadedFile } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'
import type { Test } from 'tap'

import { B0, multipart, partHead } from './encode-form.ts'
import { overEachTransport } from './transports.ts'

const LARGE = 'x'.repeat(100_000)
const BODY = multipart([partHead('file', 'a.txt'), LARGE])

/** An empty folder for temporary files, what is in it, and another one. */
function temporaryFolder(t: Test): { path: string; files: () => string[]; other: string } {
  const root = t.testdir({ temporary: {}, other: {} })
  const path = join(root, 'temporary')
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = path
  t.teardown(() => (before === undefined ? delete process.env['TMPDIR'] : (process.env['TMPDIR'] = before)))
  return { path, files: () => readdirSync(path), other: join(root, 'other') }
}

/** Resolves when the folder is empty. */
async function emptied({ files }: { files: () => string[] }): Promise<void> {
  while (files().length > 0) await new Promise(resolve => setTimeout(resolve, 5))
}

async function theFile(request: { form(): Promise<{ getFile(name: string): UploadedFile | null }> }) {
  return (await request.form()).getFile('file')!
}

overEachTransport('an uploaded file', (t, transport) => {
  t.test('over 64 KiB waits on the disk, under a random name, for this user only (P25)', async t => {
    const folder = temporaryFolder(t)
    const app = new Application()
    app.post('/', async request => {
      await request.form()
      return json(folder.files().map(name => [name, statSync(join(folder.path, name)).mode & 0o777]))
    })
    const client = await testClient(t, app, { transport })
    const send = async (size: number) => {
      const body = multipart([partHead('file', 'a.txt'), 'x'.repeat(size)])
      return (await client.post('/', { body, headers: B0 })).json<[string, number][]>()
    }

    t.strictSame(await send(64 * 1024), [])
    const [[name, mode]] = (await send(64 * 1024 + 1)) as [[string, number]]
    t.match(name, /^allium-[0-9a-f]{32}$/)
    t.equal(mode, 0o600)
  })

  t.test('reads as bytes, text or stream, any number of times, wherever it is', async t => {
    temporaryFolder(t)
    const app = new Application()
    app.post('/', async request => {
      const file = await theFile(request)
      const streamed = Buffer.concat((await file.stream().toArray()) as Buffer[])
      const again = Buffer.concat((await file.stream().toArray()) as Buffer[])
      return json([
        file.size,
        (await file.bytes()).length,
        (await file.text()).length,
        streamed.length,
        again.length,
      ])
    })
    const client = await testClient(t, app, { transport })

    for (const size of [0, 1, 64 * 1024, 64 * 1024 + 1, 300_000]) {
      const body = multipart([partHead('file', 'a'), 'x'.repeat(size)])
      t.strictSame(await (await client.post('/', { body, headers: B0 })).json(), Array(5).fill(size))
    }
  })

  t.test('has text in the charset that it names', async t => {
    const app = new Application()
    app.post('/', async request => text(await (await theFile(request)).text()))
    const client = await testClient(t, app, { transport })
    const body = multipart([`${partHead('file', 'a')}\r\nContent-Type: text/plain; charset=latin1`, '\xe9'])

    const response = await client.post('/', { body: Buffer.from(body, 'latin1'), headers: B0 })

    t.equal(await response.text(), 'é')
  })

  t.test('can be saved, and then stays where it is, for this user only', async t => {
    const folder = temporaryFolder(t)
    const target = folder.other
    const app = new Application()
    app.post('/', async request => {
      const file = await theFile(request)
      await file.saveTo(join(target, 'first'))
      await file.saveTo(join(target, 'second'))
      return text(await file.text())
    })
    const client = await testClient(t, app, { transport })

    for (const content of [LARGE, 'small']) {
      const body = multipart([partHead('file', 'a'), content])
      t.equal(await (await client.post('/', { body, headers: B0 })).text(), content)
      await emptied(folder)
      for (const name of ['first', 'second']) {
        t.equal(readFileSync(join(target, name), 'utf8'), content)
        t.equal(statSync(join(target, name)).mode & 0o777, 0o600)
      }
    }
  })

  t.test('is gone when the answer has left, whatever the answer was (P25)', async t => {
    const folder = temporaryFolder(t)
    const app = new Application({ logger: createLogger('error', () => {}) })
    app.post('/done', async request => text((await theFile(request)).filename))
    app.post('/refused', async request => {
      await request.form()
      throw new HttpForbidden()
    })
    app.post('/failed', async request => {
      await request.form()
      throw new Error('Deliberate')
    })
    app.post('/echo', async request => new Response((await theFile(request)).stream()))
    const client = await testClient(t, app, { transport })

    for (const [path, status] of [
      ['/done', 200],
      ['/refused', 403],
      ['/failed', 500],
      ['/echo', 200],
    ] as const) {
      const response = await client.post(path, { body: BODY, headers: B0 })
      t.equal(response.status, status)
      if (path === '/echo') t.equal(await response.text(), LARGE)
      await emptied(folder)
    }
  })

  t.test('is gone when its form turns out malformed, too large, or does not arrive (P25)', async t => {
    const folder = temporaryFolder(t)
    const app = new Application()
    app.post('/', async request => json((await request.form({ limits: { files: 1 } })).size))
    const client = await testClient(t, app, { transport })
    const two = multipart([partHead('a', 'a'), LARGE], [partHead('b', 'b'), LARGE])

    t.equal((await client.post('/', { body: BODY.slice(0, -4), headers: B0 })).status, 400)
    await emptied(folder)
    t.equal((await client.post('/', { body: two, headers: B0 })).status, 413)
    await emptied(folder)
    const raw = client.connect()
    await raw.send(
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${B0['content-type']}\r\nContent-Length: 200000\r\n\r\n`,
    )
    await raw.send(BODY.slice(0, 90_000))
    while (folder.files().length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    raw.raw.destroy()
    await emptied(folder)
  })

  t.test('is gone when the handler did not wait for its form (P25)', async t => {
    const folder = temporaryFolder(t)
    const app = new Application()
    const outcomes: Promise<unknown>[] = []
    app.post('/', request => {
      outcomes.push(request.form().catch((error: { code: string }) => error.code))
      return text('early')
    })
    const client = await testClient(t, app, { transport })

    for (let round = 0; round < 5; round++) {
      const response = await client.post('/', { body: BODY, headers: B0 }).catch(() => undefined)
      if (response) t.equal(await response.text(), 'early')
    }

    t.strictSame(new Set(await Promise.all(outcomes)), new Set(['ERR_BODY_USED']))
    await emptied(folder)
  })

  t.test('stays for work that goes on after the answer (P25)', async t => {
    const folder = temporaryFolder(t)
    const app = new Application()
    let finish: (() => void) | undefined
    let length: number | undefined
    app.post('/', async request => {
      const file = await theFile(request)
      const work = async () => {
        await new Promise<void>(resolve => (finish = resolve))
        length = (await file.bytes()).length
      }
      request.waitUntil(work())
      return text('later')
    })
    const client = await testClient(t, app, { transport })

    t.equal(await (await client.post('/', { body: BODY, headers: B0 })).text(), 'later')
    t.equal(folder.files().length, 1)
    finish!()
    await emptied(folder)

    t.equal(length, LARGE.length)
  })

  t.test('cannot be used when its request is over, and says so', async t => {
    const folder = temporaryFolder(t)
    const app = new Application()
    let file: UploadedFile | undefined
    app.post('/', async request => {
      file = await theFile(request)
      return text('done')
    })
    const client = await testClient(t, app, { transport })

    await (await client.post('/', { body: BODY, headers: B0 })).text()
    await emptied(folder)

    t.throws(() => file!.stream(), { code: 'ERR_BODY_USED' })
    await t.rejects(file!.bytes(), { code: 'ERR_BODY_USED' })
    await t.rejects(file!.saveTo(join(folder.other, 'x')), { code: 'ERR_BODY_USED' })
  })

  t.test('is gone when the server has stopped in the middle of its request (P25)', async t => {
    const folder = temporaryFolder(t)
    const app = new Application({ logger: createLogger('error', () => {}) })
    let isThere: (() => void) | undefined
    app.post('/', async request => {
      await request.form()
      isThere?.()
      await new Promise(resolve => request.signal.addEventListener('abort', resolve))
      return text('stopped')
    })
    const client = await testClient(t, app, { transport })

    const there = new Promise<void>(resolve => (isThere = resolve))
    const answer = client.post('/', { body: BODY, headers: B0 }).catch(() => undefined)
    await there
    await client.close()

    t.strictSame(folder.files(), [])
    await answer
  })

  t.test('that cannot be written fails the request, and nothing else', async t => {
    process.env['TMPDIR'] = join(t.testdir(), 'missing')
    t.teardown(() => delete process.env['TMPDIR'])
    const app = new Application({ logger: createLogger('error', () => {}) })
    app.post('/', async request => json((await request.form()).size))
    const client = await testClient(t, app, { transport })

    t.equal((await client.post('/', { body: BODY, headers: B0 })).status, 500)
    t.equal((await client.post('/', { body: multipart([partHead('a', 'a'), '1']), headers: B0 })).status, 200)
  })
})

t.test('an uploaded file is gone when the server has had to stop without its handler (P25)', async t => {
  const folder = temporaryFolder(t)
  const app = new Application({ logger: createLogger('error', () => {}) })
  app.post('/', async request => {
    await request.form()
    return new Promise<never>(() => {})
  })
  const runner = new AppRunner(app, { shutdownTimeout: 100 })
  await runner.startup()
  const { url } = await runner.listen({ host: '127.0.0.1', port: 0 })

  const answer = fetch(url, { method: 'POST', body: BODY, headers: B0 }).catch(() => undefined)
  while (folder.files().length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  await runner.stop()

  t.strictSame(folder.files(), [])
  await answer
})
