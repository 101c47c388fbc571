import { json } from '@allium/core'
import type { HttpError, Response } from '@allium/core'

/** An error that a program can read (RFC 9457), with the headers that the error asks for, such as `allow`. */
export function problem({ status, message, headers }: HttpError, details: object = {}): Response {
  const response = json({ title: message, status, ...details }, { status, headers })
  response.headers.set('content-type', 'application/problem+json')
  return response
}
