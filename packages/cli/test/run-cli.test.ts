import { runCli } from '@allium/cli'
import t from 'tap'

t.test('a program can do what the command does, and gets its exit code', async t => {
  const printed = t.capture(process.stderr, 'write', (_text: string, done: () => void) => done())

  t.equal(await runCli(['server']), 2)

  t.same(
    printed().map(({ args }) => args[0]),
    ['allium: There is no command "server": see allium --help\n'],
  )
})
