import t from 'tap'

import { parseCommandLine } from './command-line.ts'

function parse(line: string, env: Record<string, string> = {}) {
  return parseCommandLine(line.split(' ').filter(Boolean), env)
}

t.test('the command line', async t => {
  t.test('names a command and a file', async t => {
    t.match(parse('serve ./app.ts#createApp --port 3000 --workers auto'), {
      name: 'serve',
      source: './app.ts#createApp',
      port: 3000,
      workers: 'auto',
      accessLog: 'none',
    })
    t.match(parse('serve app.js --workers 2 --path /run/a.sock --shutdown-timeout 500'), {
      workers: 2,
      path: '/run/a.sock',
      shutdownTimeout: 500,
    })
    t.same(parse('routes app.js --json'), { name: 'routes', source: 'app.js', json: true })
    t.same(parse('check app.js --timeout 5'), { name: 'check', source: 'app.js', timeout: 5 })
  })

  t.test('has defaults for the rest, the port also from the environment', async t => {
    t.match(parse('serve app.js'), { port: undefined, workers: undefined, shutdownTimeout: undefined })
    t.match(parse('serve app.js', { PORT: '9000' }), { port: 9000 })
    t.match(parse('serve app.js --port 1', { PORT: '9000' }), { port: 1 })
    t.match(parse('serve app.js', { PORT: '' }), { port: undefined })
    t.match(parse('check app.js'), { timeout: 30_000 })
    t.match(parse('routes app.js'), { json: false })
  })

  t.test('watches with an access log, and whatever else is named', async t => {
    t.match(parse('serve app.js --watch --watch-path views --watch-path .env'), {
      name: 'watch',
      accessLog: 'text',
      extra: ['views', '.env'],
    })
    t.match(parse('serve app.js --watch --access-log json'), { accessLog: 'json', extra: [] })
  })

  t.test('gives help and the version whatever else is there', async t => {
    t.same(parse('help'), { name: 'help' })
    t.same(parse('serve -h'), { name: 'help' })
    t.same(parse('serve x --nonsense --help'), { name: 'help' })
    t.same(parse('--version'), { name: 'version' })
  })

  const mistakes: [line: string, message: RegExp][] = [
    ['', /No command was given/],
    ['start app.js', /no command "start"/],
    ['serve', /needs a file/],
    ['serve a.js b.js', /one file, not also "b.js"/],
    ['serve a.js --prot 1', /Unknown option '--prot': see/],
    ['routes a.js --port 1', /Unknown option '--port'/],
    ['serve a.js --port', /'--port <value>' argument missing/],
    ['serve a.js --port 8o', /--port is a whole number from 0 to 65535, not "8o"/],
    ['serve a.js --port 65536', /--port/],
    ['serve a.js --port=-1', /--port/],
    ['serve a.js --workers 0', /--workers is a whole number from 1/],
    ['serve a.js --access-log xml', /--access-log is text, json or none, not "xml"/],
    ['serve a.js --path a.sock --port 1', /--path does not go with/],
    ['serve a.js --watch --workers 2', /--watch does not go with --workers/],
    ['serve a.js --watch --path a.sock', /--watch does not go with --path/],
    ['serve a.js --watch-path views', /--watch-path needs --watch/],
    ['check a.js --timeout soon', /--timeout/],
  ]
  for (const [line, message] of mistakes) {
    t.test(`is refused in one line when it is "${line}"`, async t => {
      t.throws(() => parse(line), { message })
    })
  }

  t.test('is refused for a PORT that is none', async t => {
    t.throws(() => parse('serve app.js', { PORT: 'http' }), { message: /The variable PORT/ })
  })
})
