/** The service that others ask in the `upstream` scenario; it is not measured itself. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { scenarios } from '../scenarios.ts'
import { reportListening } from './report.ts'

const { body } = scenarios.upstream.answer

// A server waits for its next burst about as long as Node keeps an idle connection: one closed just then would be an error.
const server = createServer({ keepAliveTimeout: 0 }, (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))
