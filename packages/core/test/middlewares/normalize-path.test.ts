import { Application, HttpNotFound, text } from '@allium/core'
import { normalizePath } from '@allium/core/middlewares'
import type { NormalizePathOptions } from '@allium/core/middlewares'
import { testClient } from '@allium/testing'
import t from 'tap'

import { overEachTransport } from '../transports.ts'

function createApp(options?: NormalizePathOptions): Application {
  const app = new Application({ middlewares: [normalizePath(options)] })
  const admin = new Application()
  app.get('/', () => text('index'))
  app.get('/plain', () => text('plain'))
  app.get('/slash/', () => text('slash'))
  app.post('/slash/', () => text('posted'))
  app.get('/:any/tail', () => text('param'))
  app.get('/evil.example/', () => text('slash'))
  app.get('/gone/', () => Promise.reject(new HttpNotFound()))
  admin.get('/users/', () => text('users'))
  app.mount('/admin', admin)
  return app
}

overEachTransport('normalizePath', (t, transport) => {
  t.test('redirects to the spelling that has a route, query and escapes as they were', async t => {
    const client = await testClient(t, createApp(), { transport })

    for (const [path, location] of [
      ['/slash', '/slash/'],
      ['/slash?a=%2F/b&&c', '/slash/?a=%2F/b&&c'],
      ['/slash//', '/slash/'],
      ['//slash', '/slash/'],
      ['//plain', '/plain'],
      ['//', '/'],
      ['/admin/users', '/admin/users/'],
      ['/admin//users', '/admin/users/'],
      ['//admin///users//', '/admin/users/'],
      ['/a%2F%2fb//tail', '/a%2F%2fb/tail'],
      ['/%73lash', '/%73lash/'],
    ] as const) {
      const response = await client.get(path)
      t.equal(`${response.status} ${response.headers.get('location')}`, `308 ${location}`, path)
    }
  })

  t.test('leaves alone what no spelling would find, and what a handler answered', async t => {
    const client = await testClient(t, createApp(), { transport })

    for (const path of [
      '/plain/',
      '/missing',
      '/missing//',
      '/gone/',
      '/gone%2F',
      '/SLASH/',
      '/a/../plain',
    ]) {
      t.equal((await client.get(path)).status, 404, path)
    }
    t.equal((await client.post('/plain')).status, 405)
    t.equal((await client.get('/slash/%')).status, 400)
    t.equal((await client.request('OPTIONS', '/slash/')).status, 204)
  })

  t.test('keeps the method, for those of the found path', async t => {
    const client = await testClient(t, createApp(), { transport })

    t.equal(await (await client.post('/slash', { body: 'x', follow: true })).text(), 'posted')
    t.equal((await client.request('HEAD', '/slash')).status, 308)
    t.equal((await client.delete('/slash')).status, 404)
  })

  t.test('finds the path that answers another method than the one that matched', async t => {
    const app = createApp()
    app.post('/slash', () => text('other'))
    const client = await testClient(t, app, { transport })

    t.equal((await client.get('/slash')).headers.get('location'), '/slash/')
  })

  t.test('never sends the client to another host (P18)', async t => {
    for (const options of [{}, { mergeSlashes: false }, { removeSlash: true }]) {
      const client = await testClient(t, createApp(options), { transport })
      for (const path of ['//evil.example', '///evil.example/', '//evil.example//', '//evil.example/']) {
        const location = (await client.get(path)).headers.get('location')
        t.match(location ?? '/', /^\/(?!\/)/, path)
      }
      t.equal((await client.get('/\\evil.example')).status, 400)
    }
  })
})

t.test('normalizePath removes the slash, keeps runs of slashes, and takes another status', async t => {
  const removing = await testClient(t, createApp({ removeSlash: true }))
  const keeping = await testClient(t, createApp({ mergeSlashes: false, status: 302 }))
  const merging = await testClient(t, createApp({ appendSlash: false }))

  t.equal((await removing.get('/plain//')).headers.get('location'), '/plain')
  t.equal((await removing.get('/slash')).status, 404)
  t.equal((await keeping.get('/admin//users')).status, 404)
  t.equal((await keeping.get('/slash')).status, 302)
  t.equal((await merging.get('/slash')).status, 404)
  t.equal((await merging.get('/slash//')).headers.get('location'), '/slash/')
})

t.test('normalizePath refuses to append and to remove at once', async t => {
  t.throws(() => normalizePath({ appendSlash: true, removeSlash: true }), TypeError)
})
