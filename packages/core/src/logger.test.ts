import t from 'tap'

import { describe } from './describe.ts'
import { createLogger, escapeControlCharacters } from './logger.ts'
import type { LogLevel } from './logger.ts'

function written(level: LogLevel, fields: object): string {
  const lines: string[] = []
  createLogger('debug', text => lines.push(text))[level](fields, 'message')
  return lines.join('').replace(/^\S+ /, '')
}

t.test('createLogger', t => {
  t.test('writes one readable line', t => {
    t.equal(written('info', { a: 1, b: 'two words', c: undefined }), 'INFO message a=1 b="two words"\n')
    t.equal(written('debug', { nested: { a: [1] } }), 'DEBUG message nested={ a: [ 1 ] }\n')
    t.end()
  })

  t.test('indents the stack of an error below the line', t => {
    t.match(written('error', { err: new Error('broken') }), /^ERROR message\n {4}Error: broken\n {8}at /)
    t.match(written('warn', { err: 'text' }), /^WARN message\n {4}text\n$/)
    t.end()
  })

  t.test('leaves out what is less severe than the level', t => {
    const lines: string[] = []
    const logger = createLogger('warn', text => lines.push(text))

    logger.info({}, 'no')
    logger.debug({}, 'no')
    logger.warn({}, 'yes')

    t.equal(lines.length, 1)
    t.end()
  })

  t.test('escapes what could forge a line or drive a terminal (P54)', t => {
    t.equal(
      written('info', { path: '/a\r\nERROR forged\u001b[2J\u2028' }),
      'INFO message path="/a\\\\x0d\\\\x0aERROR forged\\\\x1b[2J\\\\u2028"\n',
    )
    t.equal(escapeControlCharacters('\u0085\t'), '\\x85\\x09')
    t.end()
  })

  t.end()
})

t.test('describe', t => {
  t.test('has words for anything that can be thrown (P32)', t => {
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('trap')
      },
    })
    const cyclic = new Error('outer')
    cyclic.cause = cyclic

    t.equal(describe('text'), 'text')
    t.equal(describe(null), 'null')
    t.equal(describe(7n), '7n')
    t.match(describe(cyclic), /outer/)
    t.equal(typeof describe(hostile), 'string')
    t.equal(
      describe({ [Symbol.for('nodejs.util.inspect.custom')]: throwing }),
      'a value that cannot be described',
    )
    t.end()
  })

  t.end()
})

function throwing(): never {
  throw new Error('inspect')
}
