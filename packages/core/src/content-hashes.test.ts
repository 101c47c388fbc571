import { createHash } from 'node:crypto'
import { symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { ContentHashes } from './content-hashes.ts'

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 20)
}

t.test('the hash of a file is made once, until the file changes', async t => {
  const path = join(t.testdir({ 'a.txt': 'one' }), 'a.txt')
  const hashes = new ContentHashes()
  utimesSync(path, 1, 1)

  t.equal(await hashes.of(path, Infinity), hashOf('one'))
  writeFileSync(path, 'two')
  utimesSync(path, 1, 1)
  t.equal(await hashes.of(path, Infinity), hashOf('one'), 'time and size are what tells')
  utimesSync(path, 2, 2)
  t.equal(await hashes.of(path, Infinity), hashOf('two'))
})

t.test('of a large file it is only told when it is known', async t => {
  const path = join(t.testdir({ 'a.txt': 'one' }), 'a.txt')
  const hashes = new ContentHashes()

  t.equal(await hashes.of(path, 2), undefined)
  await hashes.of(path, Infinity)
  t.equal(await hashes.of(path, 2), hashOf('one'))
})

t.test('what cannot be opened has none', async t => {
  const dir = t.testdir({ 'a.txt': 'one' })
  symlinkSync('a.txt', join(dir, 'link'))

  t.equal(await new ContentHashes().of(join(dir, 'link'), Infinity), undefined)
  await t.rejects(new ContentHashes().of(join(dir, 'none'), Infinity), { code: 'ENOENT' })
})

t.test('so many files are remembered, the latest ones', async t => {
  const dir = t.testdir({})
  const hashes = new ContentHashes({ capacity: 2 })
  const paths = ['a', 'b', 'c'].map(name => join(dir, name))
  for (const path of paths) {
    writeFileSync(path, path)
    await hashes.of(path, Infinity)
  }

  t.equal(await hashes.of(paths[0]!, 0), undefined)
  t.equal(await hashes.of(paths[1]!, 0), hashOf(paths[1]!))
  t.equal(await hashes.of(paths[2]!, 0), hashOf(paths[2]!))
})
