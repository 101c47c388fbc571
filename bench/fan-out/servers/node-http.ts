/** The base line: what one writes by hand. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { reportListening } from '../../servers/report.ts'
import { bus } from '../broadcast.ts'

const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  response.write(': hello\n\n')
  const onMessage = (data: string) => void response.write(`data: ${data}\n\n`)
  bus.on('message', onMessage)
  request.on('close', () => bus.off('message', onMessage))
})
server.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))
