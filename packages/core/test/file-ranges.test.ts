import { testClient } from '@allium/testing'

import { appWith, CHANGED_FIELD, digits } from './digits-file.ts'
import { untilClosed } from './open-files.ts'
import { overEachTransport } from './transports.ts'

overEachTransport('a file', (t, transport) => {
  t.test('gives one range as it is (RFC 9110 §15.3.7)', async t => {
    const dir = t.testdir({})
    const client = await testClient(t, appWith(digits(dir)), { transport })
    const table: [string, string, string][] = [
      ['bytes=2-4', '234', 'bytes 2-4/10'],
      ['bytes=7-', '789', 'bytes 7-9/10'],
      ['bytes=-2', '89', 'bytes 8-9/10'],
      ['bytes=9-99', '9', 'bytes 9-9/10'],
      ['bytes=4-5,40-50', '45', 'bytes 4-5/10'],
    ]

    for (const [range, body, contentRange] of table) {
      const response = await client.get('/', { headers: { range } })
      t.equal(response.status, 206)
      t.equal(response.headers.get('content-range'), contentRange)
      t.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
      t.equal(response.headers.get('content-length'), String(body.length))
      t.equal(await response.text(), body)
    }
    t.ok(await untilClosed(dir))
  })

  t.test('gives several ranges as multipart/byteranges (RFC 9110 §14.6)', async t => {
    const dir = t.testdir({})
    const client = await testClient(t, appWith(digits(dir)), { transport })

    const response = await client.get('/', { headers: { range: 'bytes=8-9, 0-0' } })

    t.equal(response.status, 206)
    t.equal(response.headers.get('content-range'), null)
    const [, boundary] = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(
      response.headers.get('content-type')!,
    )!
    const type = 'content-type: text/plain; charset=utf-8'
    const parts = [
      `${type}\r\ncontent-range: bytes 8-9/10\r\n\r\n89`,
      `${type}\r\ncontent-range: bytes 0-0/10\r\n\r\n0`,
    ]
    t.equal(
      await response.text(),
      `\r\n--${boundary}\r\n${parts.join(`\r\n--${boundary}\r\n`)}\r\n--${boundary}--\r\n`,
    )
    t.ok(await untilClosed(dir))
  })

  t.test('is sent whole for ranges that are malformed, too many, or overlap (P28)', async t => {
    const client = await testClient(t, appWith(digits(t.testdir({}))), { transport })
    const many = `bytes=${Array.from({ length: 17 }, (_, i) => `${i}-${i}`).join()}`

    for (const range of ['bytes=4-2', 'lines=1-2', 'bytes=0-,0-', many]) {
      const response = await client.get('/', { headers: { range } })
      t.equal(response.status, 200, range)
      t.equal(await response.text(), '0123456789')
    }
  })

  t.test('is 416 for ranges that all lie outside, telling its size', async t => {
    const dir = t.testdir({})
    const client = await testClient(t, appWith(digits(dir)), { transport })

    const response = await client.get('/', { headers: { range: 'bytes=10-' } })

    t.equal(response.status, 416)
    t.equal(response.headers.get('content-range'), 'bytes */10')
    t.ok(await untilClosed(dir))
  })

  t.test('gives ranges to who has a part of the same file, else all of it (RFC 9110 §13.1.5)', async t => {
    const client = await testClient(t, appWith(digits(t.testdir({}))), { transport })
    const etag = (await client.head('/')).headers.get('etag')!
    const statusWith = async (ifRange: string) => {
      return (await client.get('/', { headers: { range: 'bytes=0-1', 'if-range': ifRange } })).status
    }

    t.equal(await statusWith(etag), 206)
    t.equal(await statusWith(CHANGED_FIELD), 206)
    t.equal(await statusWith(`W/${etag}`), 200)
    t.equal(await statusWith('"other"'), 200)
    t.equal(await statusWith('Fri, 02 Jan 2026 03:04:04 GMT'), 200)
    t.equal(await statusWith('nonsense'), 200)
  })
})
