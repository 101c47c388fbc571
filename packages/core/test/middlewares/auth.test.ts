import { Application, RequestKey, text } from '@allium/core'
import { basicAuth, bearerAuth, knownTokens, knownUsers, secretsEqual } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

const user = new RequestKey<string>('user')

function basic(text: string | Uint8Array): string {
  return `Basic ${Buffer.from(text).toString('base64')}`
}

overEachTransport('basicAuth', (t, transport) => {
  t.test('lets in known users, scheme in any case, and leaves their name', async t => {
    const app = new Application()
    app.use(basicAuth({ principal: user, verify: knownUsers({ ada: 'pässword:1', bob: '2' }) }))
    app.get('/', request => text(request.state.get(user)))
    const client = await testClient(t, app, { transport })

    for (const [authorization, name] of [
      [basic('ada:pässword:1'), 'ada'],
      [basic('bob:2').replace('Basic', 'bASIC '), 'bob'],
      [`${basic('bob:2')} `, 'bob'],
    ]) {
      const response = await client.get('/', { headers: { authorization } })
      t.equal(`${response.status} ${await response.text()}`, `200 ${name}`)
    }
  })

  t.test('answers everybody else 401, and says what it wants', async t => {
    const app = new Application()
    app.use(basicAuth({ principal: user, verify: knownUsers({ ada: '1' }), realm: 'a "b" \\c' }))
    app.get('/', request => text(request.state.get(user)))
    const client = await testClient(t, app, { transport })

    for (const authorization of [
      undefined,
      '',
      'Basic',
      'Basic ',
      'Basic !!!',
      'Basic YWRhOjE=, Basic YWRhOjE=',
      basic('ada'),
      basic(':'),
      basic('ada:'),
      basic('ada:11'),
      basic('ADA:1'),
      basic('ada:1\n'),
      basic('eve:1'),
      basic('__proto__:1'),
      basic(new Uint8Array([0x61, 0x3a, 0xff])),
      `Bearer ${btoa('ada:1')}`,
    ]) {
      const response = await client.get('/', { headers: { authorization } })
      t.equal(response.status, 401, authorization ?? 'none')
      t.equal(response.headers.get('www-authenticate'), 'Basic realm="a \\"b\\" \\\\c", charset="UTF-8"')
    }
    t.equal((await client.get('/missing')).status, 401)
  })

  t.test('asks its verifier, which may take its time', async t => {
    interface User {
      readonly id: number
    }
    const account = new RequestKey<User>('account')
    const app = new Application()
    app.use(
      basicAuth({
        principal: account,
        verify: async ({ username, password }, { path }) =>
          username === 'ada' && secretsEqual(password, path) ? { id: 1 } : undefined,
      }),
    )
    app.get('/x', request => text(String(request.state.get(account).id)))
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/x', { headers: { authorization: basic('ada:/x') } })).status, 200)
    t.equal((await client.get('/x', { headers: { authorization: basic('ada:/y') } })).status, 401)
  })
})

overEachTransport('bearerAuth', (t, transport) => {
  t.test('lets in known tokens only, and tells a wrong one from none', async t => {
    const app = new Application()
    app.use(
      bearerAuth({ principal: user, verify: knownTokens({ ci: 'abc.~+/-_=', backup: 'x' }), realm: 'api' }),
    )
    app.get('/', request => text(request.state.get(user)))
    const client = await testClient(t, app, { transport })
    const answer = async (authorization: string | undefined) => {
      const response = await client.get('/', { headers: { authorization } })
      return `${response.status} ${response.headers.get('www-authenticate') ?? (await response.text())}`
    }

    t.equal(await answer('Bearer abc.~+/-_='), '200 ci')
    t.equal(await answer('bearer  x'), '200 backup')
    t.equal(await answer(undefined), '401 Bearer realm="api"')
    for (const field of ['Bearer', 'Bearer y', 'Bearer X', 'Bearer x y', 'Bearer x,y', 'Basic x', '']) {
      t.equal(await answer(field), '401 Bearer realm="api", error="invalid_token"', field)
    }
  })
})

t.test('a realm that cannot be sent, and secrets that are none, are refused', async t => {
  const verify = () => undefined
  for (const realm of ['a\nb', 'ä', '\x7f']) {
    t.throws(() => basicAuth({ principal: user, verify, realm }), TypeError)
    t.throws(() => bearerAuth({ principal: user, verify, realm }), TypeError)
  }
  t.throws(() => knownUsers({ 'a:b': 'x' }), TypeError)
  t.throws(() => knownUsers({ ada: '' }), TypeError)
  t.throws(() => knownTokens({ ci: undefined as unknown as string }), TypeError)
})

t.test('secrets are equal, or not', async t => {
  t.ok(secretsEqual('', ''))
  t.ok(secretsEqual('ä', 'ä'))
  for (const [one, other] of [
    ['a', 'b'],
    ['a', 'aa'],
    ['', 'a'],
    ['ä', 'a\u0308'],
  ] as const) {
    t.notOk(secretsEqual(one, other))
  }
})
