import t from 'tap'

import { ProxyTrust } from './proxy-trust.ts'
import type { TrustedPeers, TrustProxyOptions } from './proxy-trust.ts'

const PROXY = '10.0.0.1'

/** Who is believed to be the client, for a connection from PROXY. */
function remoteOf(option: TrustedPeers | TrustProxyOptions, xForwardedFor: string, peer = PROXY) {
  const facts = new ProxyTrust(option).read(peer, { 'x-forwarded-for': xForwardedFor })
  return facts ? facts.remote : 'nobody is believed'
}

t.test('ProxyTrust', t => {
  t.test('counts so many proxies from the right, and stops at the left end (P36)', t => {
    t.equal(remoteOf(0, '1.1.1.1'), 'nobody is believed')
    t.equal(remoteOf(1, '9.9.9.9, 1.1.1.1'), '1.1.1.1')
    t.equal(remoteOf(2, '9.9.9.9, 1.1.1.1, 10.0.0.2'), '1.1.1.1')
    t.equal(remoteOf(3, '1.1.1.1, 10.0.0.2'), '1.1.1.1')
    t.equal(remoteOf(1, ''), PROXY)
    t.equal(remoteOf(1, ' , 1.1.1.1,, '), '1.1.1.1')
    t.end()
  })

  t.test('walks over addresses that are listed, to the first that is not (P36)', t => {
    const peers = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8']

    t.equal(remoteOf(peers, '9.9.9.9, 1.1.1.1'), '1.1.1.1')
    t.equal(remoteOf(peers, '9.9.9.9, 1.1.1.1, 10.9.9.9, 192.0.2.7, [fd12::1]:80'), '1.1.1.1')
    t.equal(remoteOf(peers, '10.0.0.3, 10.0.0.2'), '10.0.0.3')
    t.equal(remoteOf(peers, '1.1.1.1', '192.0.2.8'), 'nobody is believed')
    t.equal(remoteOf(peers, '1.1.1.1, 192.0.2.8'), '192.0.2.8')
    t.end()
  })

  t.test('knows networks by name, and unix sockets only when they are named', t => {
    const trusts = (peers: TrustedPeers, peer: string | undefined) =>
      new ProxyTrust(peers).read(peer, {}) !== undefined

    for (const peer of ['127.0.0.1', '127.9.9.9', '::1']) t.equal(trusts('loopback', peer), true, peer)
    for (const peer of ['169.254.1.1', 'fe80::1%eth0']) t.equal(trusts('linklocal', peer), true, peer)
    for (const peer of ['10.1.1.1', '172.31.0.1', '192.168.9.9', 'fdff::1']) {
      t.equal(trusts(['loopback', 'uniquelocal'], peer), true, peer)
    }
    for (const peer of ['128.0.0.1', '172.32.0.1', '::2', '2001:db8::1', undefined]) {
      t.equal(trusts(['loopback', 'linklocal', 'uniquelocal'], peer), false, `${peer}`)
    }
    t.equal(trusts(['unix'], undefined), true)
    t.equal(trusts(1, undefined), true)
    t.equal(trusts('unix', '127.0.0.1'), false)
    t.end()
  })

  t.test('asks a function, telling the address in its one spelling and how far away it is', t => {
    const asked: unknown[] = []
    const peers = (address: string | undefined, hop: number) => {
      asked.push([address, hop])
      return hop < 2
    }

    t.equal(remoteOf(peers, '9.9.9.9, ::ffff:1.1.1.1, 10.0.0.2:80'), '1.1.1.1')
    t.strictSame(asked, [
      [PROXY, 0],
      ['10.0.0.2', 1],
      ['1.1.1.1', 2],
    ])
    t.end()
  })

  t.test(
    'does not know who it is when a trusted proxy does not tell, and never takes the proxy for it',
    t => {
      for (const node of ['unknown', '_hidden', 'junk', '999.1.1.1', '1.1.1.1 2.2.2.2', '"1.1.1.1"']) {
        t.equal(remoteOf(1, `1.1.1.1, ${node}`), undefined, node)
        t.equal(remoteOf('10.0.0.0/8', `1.1.1.1, ${node}, 10.0.0.2`), undefined, node)
      }
      t.end()
    },
  )

  t.test('gives up on a row of proxies that is too long to be one', t => {
    t.equal(remoteOf('10.0.0.0/8', `1.1.1.1${', 10.0.0.2'.repeat(30)}`), '1.1.1.1')
    t.equal(remoteOf('10.0.0.0/8', `1.1.1.1${', 10.0.0.2'.repeat(31)}`), undefined)
    t.end()
  })

  t.test('remembers addresses without end of memory, and answers alike', t => {
    const trust = new ProxyTrust('10.0.0.0/8')
    for (let i = 0; i < 2500; i++) {
      const facts = trust.read(PROXY, { 'x-forwarded-for': `1.1.1.1, 11.0.${i >> 8}.${i & 255}` })
      if (facts?.remote !== `11.0.${i >> 8}.${i & 255}`) t.fail(`wrong at ${i}`)
    }
    t.equal(trust.read('11.0.0.1', {}), undefined)
    t.end()
  })

  t.test('takes scheme and host from where the address was found', t => {
    const read = (option: TrustedPeers, headers: Record<string, string>) => {
      const { scheme, host } = new ProxyTrust(option).read(PROXY, headers)!
      return [scheme, host]
    }

    const overwritten = { 'x-forwarded-proto': 'HTTPS', 'x-forwarded-host': 'a.example:8443' }
    t.strictSame(read(1, overwritten), ['https', 'a.example:8443'])
    t.strictSame(read(2, { ...overwritten, 'x-forwarded-for': '1.1.1.1, 10.0.0.2' }), [
      'https',
      'a.example:8443',
    ])
    const appended = {
      'x-forwarded-for': '9.9.9.9, 1.1.1.1',
      'x-forwarded-proto': 'https, http',
      'x-forwarded-host': 'x, a',
    }
    t.strictSame(read(1, appended), ['http', 'a'])
    t.strictSame(read(2, { ...appended, 'x-forwarded-proto': 'ftp, https, http' }), ['https', 'x'])
    t.strictSame(read(1, { 'x-forwarded-proto': 'wss' }), ['https', undefined])
    t.end()
  })

  t.test('believes no scheme but http and https, and no host that is none (P35, P36)', t => {
    for (const proto of ['javascript', 'file', 'https:', '', '__proto__', 'toString']) {
      const facts = new ProxyTrust(1).read(PROXY, { 'x-forwarded-proto': proto })
      t.equal(facts?.scheme, undefined, proto)
    }
    for (const host of ['a/b', 'u@a', 'a b', 'a:b', 'http://a', '', 'a?b', 'a#b', '[::1', 'x'.repeat(300)]) {
      const facts = new ProxyTrust(1).read(PROXY, { 'x-forwarded-host': host })
      t.equal(facts?.host, undefined, host)
    }
    t.end()
  })

  t.test('reads Forwarded when told to, and the other fields never', t => {
    const trust = new ProxyTrust({ peers: ['10.0.0.0/8'], header: 'forwarded' })
    const forwarded =
      'for=9.9.9.9, for="[2001:DB8::1]:80";proto=https;host="a.example", for=10.0.0.2;host=inner'

    t.strictSame(
      trust.read(PROXY, { forwarded, 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'http' }),
      {
        remote: '2001:db8::1',
        scheme: 'https',
        host: 'a.example',
      },
    )
    t.strictSame(trust.read(PROXY, { 'x-forwarded-for': '6.6.6.6' }), {
      remote: PROXY,
      scheme: undefined,
      host: undefined,
    })
    t.equal(remoteOf(1, '1.1.1.1'), '1.1.1.1')
    t.match(new ProxyTrust(1).read(PROXY, { forwarded }), { remote: PROXY, host: undefined })
    t.end()
  })

  t.test('does not know who it is when Forwarded is cut short or hides it', t => {
    const trust = new ProxyTrust({ peers: 1, header: 'forwarded' })
    for (const last of [
      'for=unknown',
      'for=_x;proto=https',
      'proto=https',
      'for="',
      'for=a b',
      'for=1.1.1.1;for=2.2.2.2',
    ]) {
      t.equal(trust.read(PROXY, { forwarded: `for=1.1.1.1, ${last}` })?.remote, undefined, last)
    }
    t.end()
  })

  t.test('believes only the facts that it is told to', t => {
    const headers = { 'x-forwarded-for': '1.1.1.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a' }
    const read = (options: Omit<TrustProxyOptions, 'peers'>) =>
      new ProxyTrust({ peers: 1, ...options }).read(PROXY, headers)

    t.strictSame(read({ facts: ['for', 'proto'] }), { remote: '1.1.1.1', scheme: 'https', host: undefined })
    t.strictSame(read({ facts: ['host'] }), { remote: PROXY, scheme: undefined, host: 'a' })
    const forwarded = new ProxyTrust({ peers: 1, header: 'forwarded', facts: ['proto'] })
    t.strictSame(forwarded.read(PROXY, { forwarded: 'for=1.1.1.1;proto=https;host=a' }), {
      remote: PROXY,
      scheme: 'https',
      host: undefined,
    })
    t.end()
  })

  t.test('refuses what names nobody, when it is made', t => {
    const make = (option: unknown) => () => new ProxyTrust(option as TrustedPeers)

    for (const count of [-1, 1.5, NaN, Infinity, 33]) t.throws(make(count), RangeError)
    for (const network of [
      '',
      'localhost',
      '10.0.0.0/33',
      '::/129',
      '10.0.0/8',
      '10.0.0.0/',
      '1.1.1.1,2.2.2.2',
    ]) {
      t.throws(make(network), {
        name: 'TypeError',
        message: `Cannot trust proxies: "${network}" is not an address or a network`,
      })
    }
    t.throws(make('::ffff:10.0.0.0/104'), TypeError)
    t.doesNotThrow(make(['::ffff:10.0.0.7', '0.0.0.0/0', '::/0', '2001:db8::/32']))
    for (const nothing of [true, null, {}]) t.throws(make(nothing), TypeError)
    t.throws(make({ peers: 1, header: 'x-real-ip' }), {
      message: 'Cannot trust proxies: "x-real-ip" is not a header',
    })
    t.throws(make({ peers: 1, facts: ['port'] }), { message: 'Cannot trust proxies: "port" is not a fact' })
    t.end()
  })

  t.end()
})
