import type { Request, Response } from '@allium/core'
import type { Attributes } from '@opentelemetry/api'

const KNOWN = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
])

/** What the conventions want of a request that has just arrived. */
export function requestAttributes({ raw, url, rawPath, remote }: Request): Attributes {
  const scheme = url.protocol.slice(0, -1)
  const method = raw.method ?? ''
  return {
    'http.request.method': KNOWN.has(method) ? method : '_OTHER',
    ...(KNOWN.has(method) ? {} : { 'http.request.method_original': method }),
    'url.scheme': scheme,
    'url.path': rawPath,
    'server.address': url.hostname,
    'server.port': Number(url.port || (scheme === 'https' ? 443 : 80)),
    'client.address': remote,
    'network.peer.address': raw.socket.remoteAddress,
    'network.peer.port': raw.socket.remotePort,
    'network.protocol.version': raw.httpVersion,
    'user_agent.original': raw.headers['user-agent'],
  }
}

/** What is known once it was answered; a client that left has no answer. */
export function answerAttributes(
  { route }: Request,
  response: Response | undefined,
  error: unknown,
): Attributes {
  const status = response?.status
  return {
    'http.route': route?.path,
    'http.response.status_code': status,
    'error.type': status === undefined ? 'client_gone' : status >= 500 ? errorType(error, status) : undefined,
  }
}

function errorType(error: unknown, status: number): string {
  return error instanceof Error ? error.name : String(status)
}
