import { pathToFileURL } from 'node:url'

import t from 'tap'

import { FileRoot, isFileName, realDirectory, toPath } from './file-root.ts'

t.test('a file name is one entry of a directory, and nothing else (P26)', async t => {
  for (const name of ['a', 'a.txt', '.env', '...', 'a b', 'ü', 'a:b', 'con', '~1', 'a.', '*']) {
    t.ok(isFileName(name, 'linux'), name)
  }
  for (const name of ['', '.', '..', 'a/b', '/', 'a\\b', 'a\0', '\ud800']) {
    t.notOk(isFileName(name, 'linux'), JSON.stringify(name))
    t.notOk(isFileName(name, 'win32'), JSON.stringify(name))
  }
})

t.test('on Windows neither are devices, streams, short names, and what it drops from the end', async t => {
  for (const name of ['con', 'NUL', 'aux.txt', 'com1', 'LPT9.log', 'com¹'])
    t.notOk(isFileName(name, 'win32'), name)
  for (const name of ['a.txt::$DATA', 'c:', 'a.txt.', 'a.txt ', 'GIT~1', 'a?', 'a*', 'a|b', '<a>', 'a\t']) {
    t.notOk(isFileName(name, 'win32'), name)
  }
  for (const name of ['console', 'com', 'a.b', 'com10', 'x~y']) t.ok(isFileName(name, 'win32'), name)
})

t.test('dot files are shown when all or some are allowed', async t => {
  const root = (dotFiles: boolean | string[]) => new FileRoot('/', { dotFiles })

  t.notOk(new FileRoot('/').shows('.env'))
  t.notOk(root(false).shows('.env'))
  t.ok(root(true).shows('.env'))
  t.notOk(root(true).shows('..'))
  t.ok(root(['.well-known']).shows('.well-known'))
  t.notOk(root(['.well-known']).shows('.env'))
})

t.test('a directory to serve from exists', async t => {
  const dir = t.testdir({ 'a.txt': 'a', link: t.fixture('symlink', '.') })

  t.equal(realDirectory(`${dir}/link`), realDirectory(dir))
  t.equal(realDirectory(pathToFileURL(dir)), realDirectory(dir))
  t.throws(() => realDirectory(`${dir}/a.txt`), /Cannot serve files from ".*a\.txt": it is not a directory/)
  t.throws(() => realDirectory(`${dir}/none`), { message: /is not a directory/, cause: { code: 'ENOENT' } })
})

t.test('a path is relative to the working directory', async t => {
  t.equal(toPath('a'), `${process.cwd()}/a`)
  t.throws(() => toPath(new URL('https://a/')), TypeError)
})
