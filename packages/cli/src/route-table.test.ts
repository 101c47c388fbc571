import { Application, text } from '@allium/core'
import t from 'tap'

import { formatRoutes, formatRoutesAsJson } from './route-table.ts'

function createApp(): Application {
  const app = new Application()
  const admin = new Application({ name: 'admin' })
  app.post('/users', () => text(''), { name: 'users.create' })
  app.get('/users', () => text(''))
  app.any('/files/*', () => text(''))
  admin.delete('/users/:id', () => text(''), { name: 'remove' })
  app.mount('/admin', admin)
  return app
}

t.test('routes are listed by path, in columns, mounted ones too', async t => {
  t.equal(
    formatRoutes(createApp().routes()),
    [
      'METHOD  PATH              NAME',
      'DELETE  /admin/users/:id  remove',
      '*       /files/*',
      'GET     /users',
      'POST    /users            users.create',
      '',
    ].join('\n'),
  )
})

t.test('routes are listed as JSON for programs', async t => {
  t.same(JSON.parse(formatRoutesAsJson(createApp().routes())).slice(0, 2), [
    { method: 'DELETE', path: '/admin/users/:id', name: 'remove' },
    { method: '*', path: '/files/*', name: null },
  ])
})
