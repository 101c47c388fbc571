import { createServer } from 'node:http'

import { reportStart } from '../report-start.ts'

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': 5 })
  response.end('hello')
})
server.listen(0, '127.0.0.1', reportStart)
