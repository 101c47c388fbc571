import { on } from 'node:events'

import { Application, AppRunner, eventStream } from '@allium/core'

import { reportListening } from '../../servers/report.ts'
import { bus } from '../broadcast.ts'

const app = new Application()
app.get('/', () =>
  eventStream(async function* ({ signal }) {
    const messages = on(bus, 'message', { signal })
    yield { comment: 'hello' }
    for await (const [data] of messages) yield data as string
  }),
)
const runner = new AppRunner(app)
await runner.startup()
const { port } = await runner.listen({ host: '127.0.0.1', port: 0 })
reportListening(port)
