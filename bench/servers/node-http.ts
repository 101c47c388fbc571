/** The base line: what one writes by hand, for one scenario at a time. */
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { reportListening, requestedScenario } from './report.ts'

const listeners: Readonly<Partial<Record<ScenarioName, RequestListener>>> = { hello: sayHello, json: echo }

const server = createServer(listeners[requestedScenario()])
server.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))

function sayHello(_request: IncomingMessage, response: ServerResponse): void {
  answer(response, 'text/plain; charset=utf-8', scenarios.hello.answer.body)
}

function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const value = JSON.parse(Buffer.concat(chunks).toString()) as unknown
    answer(response, 'application/json; charset=utf-8', JSON.stringify(value))
  })
}

function answer(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
