import t from 'tap'

import { ErrorHandlers } from './error-handlers.ts'
import { isHost } from './host.ts'
import { parseMediaType } from './media-type.ts'
import { RequestHeaders } from './request-headers.ts'
import { parseRequestTarget } from './request-target.ts'
import { Signal } from './signal.ts'

t.test('isHost', t => {
  t.test('takes names and addresses with or without a port, and nothing else (P35)', t => {
    for (const host of [
      'a',
      'a.example',
      'A.Example.',
      'a_b.c',
      '127.0.0.1:80',
      '[::1]',
      '[::1]:8080',
      'a:0',
    ]) {
      t.equal(isHost(host), true, host)
    }
    for (const host of [
      '',
      'a b',
      'a@b',
      'a/b',
      'a,b',
      'a:',
      'a:123456',
      '[::1',
      '-a',
      'a..',
      'x'.repeat(300),
    ]) {
      t.equal(isHost(host), false, host)
    }
    t.end()
  })

  t.end()
})

t.test('parseRequestTarget', t => {
  t.test('splits a path from its query at the first question mark, and decodes it once (P8)', t => {
    const target = parseRequestTarget('GET', '/a%2Fb%20c?d=e?f')

    t.strictSame(target, {
      rawPath: '/a%2Fb%20c',
      path: '/a%2Fb c',
      queryText: 'd=e?f',
      authority: undefined,
    })
    t.end()
  })

  t.test('reads an absolute form, also one without a path (P7)', t => {
    t.match(parseRequestTarget('GET', 'http://a.example:80/x?y'), { path: '/x', authority: 'a.example:80' })
    t.match(parseRequestTarget('GET', 'HTTPS://a.example?y'), { path: '/', queryText: 'y' })
    t.end()
  })

  t.test('gives a reason for what it refuses', t => {
    for (const target of [
      '',
      'x',
      '*',
      'ftp://a/',
      'http://a@b/',
      '/a#b',
      '/a\\b',
      '/é',
      '/%',
      '/%00',
      '/%ff',
    ]) {
      t.type(parseRequestTarget('GET', target), 'string', target)
    }
    t.end()
  })

  t.end()
})

t.test('parseMediaType', t => {
  t.test('reads type and parameters by their grammar (P19)', t => {
    const type = parseMediaType(' Text/HTML ; Charset="ut\\f-8"; charset=x; a=b ; ')

    t.equal(type?.essence, 'text/html')
    t.strictSame([...(type?.parameters ?? [])], [['charset', 'utf-8'], ['a', 'b']]) // prettier-ignore
    t.equal(parseMediaType('a/b  ')?.essence, 'a/b')
    t.end()
  })

  t.test('takes nothing for a media type that is none (P19)', t => {
    for (const text of [
      '',
      'text',
      'a/b/c',
      'a/b junk',
      'a/b; c',
      'a/b; c="d',
      'application/json, text/plain',
    ]) {
      t.equal(parseMediaType(text), undefined, text)
    }
    t.end()
  })

  t.end()
})

t.test('RequestHeaders', t => {
  t.test('sees fields only, never properties of objects (P12)', t => {
    const raw = { headers: { a: 'b', 'set-cookie': ['c', 'd'] }, rawHeaders: ['A', 'b', 'X', '1', 'x', '2'] }
    const headers = new RequestHeaders(raw)

    t.equal(headers.get('__proto__'), null)
    t.equal(headers.has('constructor'), false)
    t.equal(headers.has('A'), true)
    t.equal(headers.get('Set-Cookie'), 'c, d')
    t.strictSame(headers.getAll('X'), ['1', '2'])
    t.strictSame([...headers][0], ['a', 'b'])
    t.end()
  })

  t.end()
})

t.test('ErrorHandlers', t => {
  t.test('finds nothing by class for what lies about its kin (P32)', t => {
    const handlers = new ErrorHandlers()
    const thrower = new Proxy(
      {},
      {
        getPrototypeOf() {
          throw new Error('trap')
        },
      },
    )

    t.equal(handlers.find('text'), undefined)
    t.equal(handlers.find(thrower), undefined)
    t.end()
  })

  t.end()
})

t.test('Signal', t => {
  t.test('awaits its receivers in the order they were added', async t => {
    const order: string[] = []
    const signal = new Signal<[name: string]>('onTest')
    signal.add(async name => {
      await Promise.resolve()
      order.push(`first ${name}`)
    })
    signal.add(name => void order.push(`second ${name}`))
    signal.freeze()

    await signal.send('x')

    t.strictSame(order, ['first x', 'second x'])
    t.equal(signal.size, 2)
  })

  t.test('is sent only when frozen, and takes no receiver then', async t => {
    const signal = new Signal<[]>('onTest')
    await t.rejects(signal.send(), { code: 'ERR_SIGNAL_NOT_FROZEN' })
    signal.freeze()

    t.throws(() => signal.add(() => {}), { code: 'ERR_SIGNAL_FROZEN' })
  })

  t.end()
})
