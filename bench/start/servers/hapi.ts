import Hapi from '@hapi/hapi'

import { reportStart } from '../report-start.ts'

const server = Hapi.server({ host: '127.0.0.1', port: 0 })
server.route({ method: 'GET', path: '/', handler: () => 'hello' })
await server.start()
reportStart()
