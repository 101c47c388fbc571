import t from 'tap'

import { Router } from './index.ts'

function createRouter(...hosts: string[]): Router<string> {
  const router = new Router<string>()
  for (const host of hosts) router.add('GET', '/', host, { host })
  router.add('GET', '/', 'none')
  router.add('GET', '/rest', 'rest')
  return router
}

function valueAt(router: Router<string>, host: string | undefined, path = '/'): string | undefined {
  return router.match('GET', path, host)?.route.value
}

t.test('a host is compared without case, port and trailing dot, here and there (P10)', async t => {
  const router = createRouter('API.example.com.', '[::1]')

  for (const host of ['api.example.com', 'Api.Example.Com:8080', 'api.example.com.', 'api.example.com.:80']) {
    t.equal(valueAt(router, host), 'API.example.com.', host)
  }
  t.equal(valueAt(router, '[::1]:3000'), '[::1]')
  t.equal(valueAt(router, '[::1]'), '[::1]')
  t.equal(router.routes()[0]?.host, 'api.example.com')
})

t.test('the exact host comes before a mask, the longest mask first', async t => {
  const router = createRouter('*.example.com', '*.api.example.com', 'v1.api.example.com')

  t.equal(valueAt(router, 'v1.api.example.com'), 'v1.api.example.com')
  t.equal(valueAt(router, 'v2.api.example.com'), '*.api.example.com')
  t.equal(valueAt(router, 'a.b.example.com'), '*.example.com')
})

t.test('a mask stands for names below the domain only', async t => {
  const router = createRouter('*.example.com')

  for (const host of [
    'example.com',
    '.example.com',
    'badexample.com',
    'example.com.evil.org',
    '',
    '.',
    ':',
  ]) {
    t.equal(valueAt(router, host), 'none', host)
  }
})

t.test('a claimed host does not fall back to the routes of no host', async t => {
  const router = createRouter('api.example.com')

  t.equal(router.match('GET', '/rest', 'api.example.com'), undefined)
  t.strictSame(router.allowedMethods('/rest', 'api.example.com'), [])
  t.equal(valueAt(router, 'www.example.com', '/rest'), 'rest')
  t.equal(valueAt(router, undefined, '/rest'), 'rest')
})

t.test('claimedHost gives the host option that claims a host', async t => {
  const router = createRouter('API.example.com', '*.Example.com')

  t.equal(router.claimedHost('api.example.com:80'), 'api.example.com')
  t.equal(router.claimedHost('www.example.com'), '*.example.com')
  t.equal(router.claimedHost('example.org'), undefined)
  t.equal(new Router().claimedHost('example.org'), undefined)
})

t.test('a host that no request can have is refused', async t => {
  for (const host of ['', '*', '*.', 'a..b', 'münchen.de', 'a b', 'x.*.com', 'http://a', '::1']) {
    t.throws(() => createRouter(host), { name: 'TypeError', message: `Cannot use the host "${host}"` }, host)
  }
})
