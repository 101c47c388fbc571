import { H3, serve } from 'h3'

import { reportStart } from '../report-start.ts'

const app = new H3()
app.get('/', () => 'hello')
const server = serve(app, { hostname: '127.0.0.1', port: 0, silent: true, gracefulShutdown: false })
await server.ready()
reportStart()
