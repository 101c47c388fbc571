import t from 'tap'

import { Application } from './application.ts'
import { text } from './response.ts'
import * as routes from './routes.ts'

t.test('routes', t => {
  t.test('are data that an application takes, one function for each method', t => {
    const { any, del, get, head, options, patch, post, put, query } = routes
    const definitions = [any, del, get, head, options, patch, post, put, query].map(make =>
      make('/x', () => text('x')),
    )

    const added = new Application().addRoutes(definitions)

    t.strictSame(
      added.map(({ method }) => method),
      ['*', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY'],
    )
    t.end()
  })

  t.test('are registered by a method of the same name', t => {
    const app = new Application()
    const verbs = ['any', 'delete', 'get', 'head', 'options', 'patch', 'post', 'put', 'query'] as const

    const methods = verbs.map(verb => app[verb]('/x', () => text('x')).method)
    methods.push(app.route('propfind', '/x', () => text('x')).method)

    t.strictSame(methods, [
      '*',
      'DELETE',
      'GET',
      'HEAD',
      'OPTIONS',
      'PATCH',
      'POST',
      'PUT',
      'QUERY',
      'PROPFIND',
    ])
    t.end()
  })

  t.test('are refused a second time, naming both', t => {
    const app = new Application()
    app.get('/users/:id', () => text('x'))

    t.throws(() => app.get('/users/:name', () => text('y')), /\/users\/:name[^]*\/users\/:id/)
    t.end()
  })

  t.test('in a group share prefix, middlewares and metadata', t => {
    const [route] = routes.group('/v1', [routes.get('/x', () => text('x'))])

    t.equal(route!.path, '/v1/x')
    t.strictSame(route!.options, { middlewares: [], meta: [] })
    t.end()
  })

  t.end()
})
