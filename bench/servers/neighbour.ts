/** The service that others ask in the `upstream` scenario; it is not measured itself. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { scenarios } from '../scenarios.ts'
import { reportListening } from './report.ts'

const { body } = scenarios.upstream.answer

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))
