import { Application, runApp, text } from '@allium/core'

import { PATH } from '../sized-app.ts'

await runApp(createApp, {
  host: '127.0.0.1',
  port: 0,
  workers: Number(process.env['BENCH_WORKERS']),
})

function createApp(): Application {
  const app = new Application()
  app.get(PATH, ({ params }) => text(`part of ${params.id}`))
  return app
}
