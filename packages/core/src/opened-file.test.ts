import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { isPlainFile, kindOf, OpenedFile, openFile, unlessAbsent } from './opened-file.ts'

t.test('what has come into the place of a file is not waited for, and not sent (P26)', async t => {
  const dir = t.testdir({ directory: {} })
  execFileSync('mkfifo', [join(dir, 'pipe')])

  t.equal(await openFile(join(dir, 'pipe'), true), undefined)
  t.equal(await openFile(join(dir, 'directory'), true), undefined)
  t.equal(await openFile(join(dir, 'none'), true), undefined)
})

t.test('a symlink is opened where it counts only', async t => {
  const dir = t.testdir({ 'a.txt': 'a' })
  const link = join(dir, 'link')
  symlinkSync('a.txt', link)

  t.equal(await openFile(link, false), undefined)
  t.equal(await isPlainFile(link), false)
  t.equal(await kindOf(link), 'file')
  const opened = await openFile(link, true)
  t.equal(opened?.size, 1)
  opened?.close()
})

t.test('a failure of the system is no absence', async t => {
  const failure = Object.assign(new Error('too many open files'), { code: 'EMFILE' })

  await t.rejects(unlessAbsent(Promise.reject(failure)), failure)
  await t.rejects(unlessAbsent(Promise.reject(new Error('no code'))))
  t.equal(await unlessAbsent(Promise.reject(Object.assign(new Error(), { code: 'EACCES' }))), undefined)
})

t.test('a file that is closed is not read: its number may be that of another one', async t => {
  const dir = t.testdir({ 'a.txt': 'abc' })
  const opened = (await openFile(join(dir, 'a.txt'), false))!
  const buffer = Buffer.alloc(8)

  const running = opened.read(buffer, 1)
  opened.close()
  opened.close()

  t.equal(await running, 2)
  t.equal(buffer.toString('utf8', 0, 2), 'bc')
  await t.rejects(opened.read(buffer, 0), /it is closed/)
})

t.test('what the system cannot read is an error', async t => {
  const broken = new OpenedFile(2 ** 30, 1, 0n)

  await t.rejects(broken.read(Buffer.alloc(1), 0), { code: 'EBADF' })
})
