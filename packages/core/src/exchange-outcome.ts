import type { IncomingMessage, ServerResponse } from 'node:http'

import type { AccessLog } from './access-log.ts'
import type { Request } from './request.ts'
import type { Response } from './response.ts'
import { isWhole } from './response-body.ts'
import type { ResponseSink } from './response-sink.ts'
import { allowsBody } from './send-response.ts'
import { tracing } from './tracing.ts'
import type { RequestTrace } from './tracing.ts'

/** An exchange that is over. */
export interface ExchangeOutcome {
  readonly raw: IncomingMessage
  readonly target: ServerResponse
  readonly request: Request
  /** What was answered, `undefined` when the client had gone before. */
  readonly answer: Response | undefined
  /** What a streamed body went through. */
  readonly sink: ResponseSink | undefined
  /** When it began, as of `performance.now()`. */
  readonly startedAt: number
}

/** Enters the exchange into the access log. */
export function logAccess(accessLog: AccessLog, outcome: ExchangeOutcome): void {
  const { raw, target, request, answer, startedAt } = outcome
  try {
    accessLog({
      remote: request.remote,
      startedAt: performance.timeOrigin + startedAt,
      duration: performance.now() - startedAt,
      method: raw.method!,
      target: raw.url!,
      httpVersion: raw.httpVersion,
      route: request.route?.path,
      status: answer ? target.statusCode : 499,
      bytes: bytesWritten(outcome),
      aborted: target.statusCode !== 101 && !hasLeftWhole(target),
      requestHeader: name => request.headers.get(name) ?? undefined,
      responseHeader: name => answer?.headers.get(name) ?? undefined,
    })
  } catch {
    // A log that fails must not take the server with it.
  }
}

/** Tells the followers of a request that it is over. */
export function endTrace(trace: RequestTrace, answer: Response | undefined): void {
  trace.response = answer
  trace.error = answer?.error
  if (trace.error !== undefined) tracing.request.error.publish(trace)
  tracing.request.asyncStart.publish(trace)
  tracing.request.asyncEnd.publish(trace)
}

/** Whether the system has taken all bytes of an answer. From Node 24 on `writableFinished` says so a moment too late. */
function hasLeftWhole({ writableEnded, writableFinished, socket }: ServerResponse): boolean {
  return writableFinished || (writableEnded && socket?.destroyed === false && socket.writableLength === 0)
}

function bytesWritten({ raw, answer, sink }: ExchangeOutcome): number {
  if (sink) return sink.written
  if (!answer || raw.method === 'HEAD' || !allowsBody(answer.status) || !isWhole(answer.body)) return 0
  return Buffer.byteLength(answer.body ?? '')
}
