import { validateHeaderName, validateHeaderValue } from 'node:http'

import type { PreparedRequest } from './request-init.ts'

const BEYOND_PATHS = /[^\x21-\xff]/

/**
 * The head of a request as it is sent.
 *
 * @throws TypeError for a method, a path, a name or a value that cannot be sent, with the codes of Node's own client
 */
export function requestHead({ method, path, headers }: PreparedRequest): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) throw invalid('ERR_INVALID_HTTP_TOKEN', 'method', method)
  if (BEYOND_PATHS.test(path)) throw invalid('ERR_UNESCAPED_CHARACTERS', 'path', path)
  let head = `${method} ${path} HTTP/1.1\r\n`
  for (const [name, value] of headers) {
    validateHeaderName(name)
    if (typeof value === 'string') head += field(name, value)
    else for (const each of value) head += field(name, each)
  }
  if (!headers.has('connection')) head += 'connection: keep-alive\r\n'
  return `${head}\r\n`
}

function field(name: string, value: string): string {
  validateHeaderValue(name, value)
  return `${name}: ${value}\r\n`
}

function invalid(code: string, what: string, value: string): TypeError {
  const error = new TypeError(
    `Cannot send the ${what} "${value}": it has characters that HTTP does not allow`,
  )
  return Object.assign(error, { code })
}
