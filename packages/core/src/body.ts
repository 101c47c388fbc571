import type { IncomingMessage } from 'node:http'

import { ByteCollector } from './byte-collector.ts'
import { readHeadFields } from './head-fields.ts'
import { HttpContentTooLarge, HttpError } from './http-error.ts'
import { UsageError } from './usage-error.ts'

/** Why a body could not be read to its end: the client has gone. Nobody is left to answer. */
export class ClientGoneError extends HttpError {
  constructor(options?: { readonly cause?: unknown } | undefined) {
    super(499, 'The client closed the connection before the body had arrived', options)
  }
}

/** What a reader is told of the body that arrives: bytes, then exactly one of `end` and `fail`. */
export interface BodyListener {
  bytes(chunk: Buffer): void
  end(): void
  fail(error: Error): void
}

const BROKEN_EVENT = 'allium:broken'
const broken = new WeakMap<IncomingMessage, Error>()

/** Tells whoever reads the body, now or later, that the rest will not come, and what to throw. */
export function breakBody(raw: IncomingMessage, error: Error): void {
  broken.set(raw, error)
  raw.emit(BROKEN_EVENT, error)
}

/**
 * Lets the body flow to a reader. It fails with HttpBadRequest when the framing of the body is broken, with
 * HttpRequestTimeout when it takes too long, and with ClientGoneError when the connection closes first.
 *
 * @returns stops listening; the body then stands still
 */
export function listenToBody(raw: IncomingMessage, listener: BodyListener): () => void {
  const error = broken.get(raw) ?? whyUnreadable(raw)
  if (error) {
    listener.fail(error)
    return () => {}
  }
  // At the end the listeners stay: to remove them one by one costs more than they do.
  let isOver = false
  const onData = (chunk: Buffer) => {
    if (!isOver) listener.bytes(chunk)
  }
  const onEnd = () => {
    if (isOver) return
    isOver = true
    listener.end()
  }
  const onBroken = (error: Error) => {
    if (isOver) return
    isOver = true
    listener.fail(error)
  }
  const onError = (cause: Error) => onBroken(new ClientGoneError({ cause }))
  const onClose = () => {
    if (!isOver) onBroken(new ClientGoneError())
  }

  raw.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  raw.on(BROKEN_EVENT, onBroken)
  return () => {
    isOver = true
    raw.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
    raw.off(BROKEN_EVENT, onBroken).pause()
  }
}

/** What a reader of a whole body is told: exactly one of them. */
export interface WholeBodyListener {
  bytes(bytes: Buffer): void
  fail(error: Error): void
}

/**
 * Collects a request body as it is sent. It fails with HttpContentTooLarge as soon as what has arrived is over the
 * limit, and with what {@link listenToBody} fails with.
 *
 * @param limit the largest body, in bytes; `Infinity` for none
 */
export function collectBody(raw: IncomingMessage, limit: number, listener: WholeBodyListener): void {
  const collected = new ByteCollector()
  const stop = listenToBody(raw, {
    bytes(chunk) {
      if (collected.length + chunk.length <= limit) return collected.add(chunk)
      stop()
      listener.fail(new HttpContentTooLarge(limit))
    },
    end: () => listener.bytes(collected.take()),
    fail: error => listener.fail(error),
  })
}

/** What a body is thrown away with. */
export function answered(): UsageError {
  return new UsageError('ERR_BODY_USED', 'Cannot read the body: its request has been answered')
}

/** Whether the request says that it has a body, even if that should turn out to be empty. */
export function announcesBody({ rawHeaders }: IncomingMessage): boolean {
  return readHeadFields(rawHeaders).hasBody
}

function whyUnreadable(raw: IncomingMessage): Error | undefined {
  if (raw.readableEnded)
    return new UsageError('ERR_BODY_USED', 'Cannot read the body: it has been read from "raw"')
  return raw.destroyed ? new ClientGoneError() : undefined
}
