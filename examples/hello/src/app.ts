import { Application, text } from '@allium/core'

/** The smallest application worth having. */
export function createApp(): Application {
  const app = new Application()
  app.get('/', () => text('hello'))
  app.get('/hello/:name', ({ params }) => text(`hello ${params.name}`))
  return app
}
