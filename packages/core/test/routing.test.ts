import { Application, empty, get, group, post, RouteKey, text, View } from '@allium/core'
import type { Middleware, Response } from '@allium/core'
import { testClient } from '@allium/testing'
import t from 'tap'

/** A middleware that leaves its mark on every response that passes it. */
function mark(name: string): Middleware {
  return async (request, next) => {
    const response = await next(request)
    response.headers.append('x-passed', name)
    return response
  }
}

t.test('Application', async t => {
  t.test('answers 414 when only the length of a param kept a route from matching', async t => {
    const app = new Application()
    app.get('/:id', () => text('x'))
    const client = await testClient(t, app)

    t.equal((await client.get(`/${'x'.repeat(2000)}`)).status, 414)
  })

  t.test('takes routes as data, in groups, and as views', async t => {
    class Note extends View<'/notes/:id'> {
      get(): Response {
        return text(`note ${this.request.params.id}`)
      }
      async delete(): Promise<Response> {
        return empty()
      }
    }
    const app = new Application()
    app.addRoutes([
      get('/', () => text('index')),
      ...group('/v1', [post('/x', () => text('posted'))], { middlewares: [mark('group')] }),
    ])
    app.view('/notes/:id', Note, { name: 'note' })
    const client = await testClient(t, app)

    t.equal(await (await client.get('/')).text(), 'index')
    t.equal((await client.post('/v1/x')).headers.get('x-passed'), 'group')
    t.equal(await (await client.get('/notes/7')).text(), 'note 7')
    t.equal((await client.delete('/notes/7')).status, 204)
    t.equal((await client.put('/notes/7')).headers.get('allow'), 'DELETE, GET, HEAD, OPTIONS')
    t.equal(app.url('note', { id: 7 }), '/notes/7')
  })

  t.test('refuses a view without methods', t => {
    class Nothing extends View<'/'> {}

    t.throws(() => new Application().view('/', Nothing), /it has none of the methods/)
    t.end()
  })

  t.test('makes URLs from routes and by name, through mounts', t => {
    const app = new Application()
    const admin = new Application({ name: 'admin' })
    const user = admin.get('/users/:id', () => text(''), { name: 'user' })
    const root = admin.get('/', () => text(''), { name: 'root' })
    app.get('/', () => text(''), { name: 'home' })
    app.mount('/admin', admin)

    t.equal(user.url({ id: 'a/b' }, { query: { page: 2 } }), '/admin/users/a%2Fb?page=2')
    t.equal(root.url(), '/admin')
    t.equal(app.url('admin.user', { id: 1 }), '/admin/users/1')
    t.equal(admin.url('home'), '/')
    t.throws(() => app.url('nobody'), { code: 'ERR_ROUTE_NAME_UNKNOWN' })
    t.end()
  })

  t.test('lists its routes with those of its mounts', t => {
    const role = new RouteKey<string>('role')
    const app = new Application()
    const admin = new Application()
    admin.get('/users', () => text(''), { meta: [role.with('admin')], name: 'users' })
    app.mount('/admin', admin)

    const [route] = app.routes()

    t.match(route, { method: 'GET', path: '/admin/users', name: 'users' })
    t.equal(route!.meta.find(role), 'admin')
    t.equal(route!.meta.has(role), true)
    t.end()
  })
})
