import { Application, AppRunner, text } from '@allium/core'
import type { Middleware } from '@allium/core'

import { reportListening } from '../../servers/report.ts'
import { otherPaths, PATH, readSize } from '../sized-app.ts'

const size = readSize()
const app = new Application()
for (let i = 0; i < size.middlewares; i++) app.use(createPassOn())
for (const path of otherPaths(size)) app.get(path, ({ path }) => text(path))
app.get(PATH, ({ params }) => text(`part of ${params.id}`))

const runner = new AppRunner(app, { keepAliveTimeout: 600_000 })
await runner.startup()
const { port } = await runner.listen({ host: '127.0.0.1', port: 0 })
reportListening(port)

/** A function of its own for each place in the onion, as in an application. */
function createPassOn(): Middleware {
  return async function passOn(request, next) {
    const response = await next(request)
    return response
  }
}
