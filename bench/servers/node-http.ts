/** The base line: what one writes by hand, for one scenario at a time. */
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import busboy from 'busboy'
import { getIronSession } from 'iron-session'
import send from 'send'

import { FILES, PASSWORD, RECORDS, SLOWNESS } from '../payloads.ts'
import { scenarios } from '../scenarios.ts'
import type { ScenarioName } from '../scenarios.ts'
import { readRow } from './database.ts'
import { askNeighbour } from './ask-neighbour.ts'
import { reportListening, requestedScenario } from './report.ts'

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'

const listeners: Readonly<Partial<Record<ScenarioName, RequestListener>>> = {
  hello: (_request, response) => answer(response, TEXT, scenarios.hello.answer.body),
  json: echo,
  'json-out': (_request, response) => answer(response, JSON_TYPE, JSON.stringify(RECORDS)),
  'file-10k': sendFile,
  'file-10m': sendFile,
  upload: readForm,
  'sealed-session': (request, response) => void readSession(request, response),
  database: (_request, response) =>
    void readRow().then(row => answer(response, JSON_TYPE, JSON.stringify(row))),
  upstream: (_request, response) => void askNeighbour().then(body => answer(response, TEXT, body)),
  slow: (_request, response) => void setTimeout(() => answer(response, TEXT, 'at last'), SLOWNESS),
}

const server = createServer(listeners[requestedScenario()])
server.listen(0, '127.0.0.1', () => reportListening((server.address() as AddressInfo).port))

function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const value = JSON.parse(Buffer.concat(chunks).toString()) as unknown
    answer(response, JSON_TYPE, JSON.stringify(value))
  })
}

function sendFile(request: IncomingMessage, response: ServerResponse): void {
  send(request, request.url!.slice('/files'.length), { root: FILES }).pipe(response)
}

function readForm(request: IncomingMessage, response: ServerResponse): void {
  let title = ''
  let name = ''
  let size = 0
  const form = busboy({ headers: request.headers })
  form.on('field', (_name, value) => (title = value))
  form.on('file', (_name, file, info) => {
    name = info.filename ?? ''
    file.on('data', (chunk: Buffer) => (size += chunk.length))
  })
  form.on('close', () => answer(response, TEXT, `${title}: ${name}, ${size} bytes`))
  request.pipe(form)
}

async function readSession(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const session = await getIronSession<{ user?: string }>(request, response, {
    password: PASSWORD,
    cookieName: 'session',
    cookieOptions: { secure: false },
  })
  if (request.url === '/login') {
    session.user = 'ada'
    await session.save()
  }
  answer(response, TEXT, session.user ?? '')
}

function answer(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
