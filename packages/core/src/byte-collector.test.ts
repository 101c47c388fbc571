import t from 'tap'

import { ByteCollector } from './byte-collector.ts'

t.test('chunks of any size come out as one, in order', async t => {
  const collector = new ByteCollector()
  const chunks = [5, 1, 2000, 40_000, 1, 1, 16_383, 16_384, 300_000, 7].map((size, n) =>
    Buffer.alloc(size, n),
  )

  for (const chunk of chunks) collector.add(chunk)

  t.equal(collector.length, Buffer.concat(chunks).length)
  t.ok(collector.take().equals(Buffer.concat(chunks)))
})

t.test('one chunk comes out as it is, none as no bytes', async t => {
  const collector = new ByteCollector()
  t.equal(collector.take().length, 0)
  const chunk = Buffer.from('x')

  collector.add(chunk)

  t.equal(collector.take(), chunk)
})

t.test('a million chunks of a byte stay in few blocks', async t => {
  const collector = new ByteCollector()
  const byte = Buffer.from('x')
  const before = process.memoryUsage().heapUsed

  for (let n = 0; n < 1_000_000; n++) collector.add(byte)

  t.equal(collector.take().length, 1_000_000)
  t.ok(process.memoryUsage().heapUsed - before < 20 * 1024 * 1024)
})
