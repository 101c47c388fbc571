/** The base line: what one writes by hand, without a router. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { reportListening } from '../../servers/report.ts'

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const body = `part of ${request.url!.split('/')[3]}`
  response.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))
