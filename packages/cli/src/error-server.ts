import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { stripVTControlCharacters } from 'node:util'

/** Where the page waits for the next change: it is answered when there is one. */
const WAIT_PATH = '/.allium/changed'

/** Answers in place of an application that cannot. */
export class ErrorServer {
  readonly #server: Server
  readonly #held = new Set<ServerResponse>()
  #reason = ''

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  /** What is wrong from now on. */
  show(reason: string): void {
    this.#reason = stripVTControlCharacters(reason)
  }

  /** Something has changed: pages that wait may try again. */
  changed(): void {
    for (const response of this.#held) response.writeHead(204).end()
    this.#held.clear()
  }

  /** Serves a connection. */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket)
    socket.resume()
  }

  close(): void {
    this.changed()
    this.#server.closeAllConnections()
  }

  #answer({ url, headers }: IncomingMessage, response: ServerResponse): void {
    response.setHeader('connection', 'close') // the next request may be for the application
    response.setHeader('cache-control', 'no-store')
    if (url === WAIT_PATH) {
      this.#held.add(response)
      response.once('close', () => this.#held.delete(response))
      return
    }
    const isPage = String(headers.accept).includes('text/html')
    response.writeHead(500, { 'content-type': `text/${isPage ? 'html' : 'plain'}; charset=utf-8` })
    response.end(isPage ? toPage(this.#reason) : `${this.#reason}\n`)
  }
}

function toPage(reason: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The application does not run</title>
<style>body { font: 1rem sans-serif; margin: 2rem } pre { white-space: pre-wrap; padding: 1rem; background: #eee }</style>
<h1>The application does not run</h1>
<pre>${escapeHtml(reason)}</pre>
<p>This page is loaded again when a file has changed.</p>
<script>
  const retry = () => setTimeout(() => location.reload(), 500)
  fetch('${WAIT_PATH}').then(() => location.reload(), retry)
</script>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
