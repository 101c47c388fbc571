import { createEventStream, H3, serve } from 'h3'

import { reportListening } from '../../servers/report.ts'
import { bus } from '../broadcast.ts'

const app = new H3()
app.get('/', event => {
  const stream = createEventStream(event)
  const onMessage = (data: string) => void stream.push(data)
  stream.onClosed(() => void bus.off('message', onMessage))
  void stream.pushComment('hello').then(() => bus.on('message', onMessage))
  return stream.send()
})
const server = serve(app, { hostname: '127.0.0.1', port: 0, silent: true, gracefulShutdown: false })
await server.ready()
reportListening(Number(new URL(server.url!).port))
