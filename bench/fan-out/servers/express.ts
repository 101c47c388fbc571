import type { AddressInfo } from 'node:net'

import express from 'express'

import { reportListening } from '../../servers/report.ts'
import { bus } from '../broadcast.ts'

const app = express()
app.get('/', (request, response) => {
  response.set({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  response.write(': hello\n\n')
  const onMessage = (data: string) => void response.write(`data: ${data}\n\n`)
  bus.on('message', onMessage)
  request.on('close', () => bus.off('message', onMessage))
})
const server = app.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))
