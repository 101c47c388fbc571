import { preferredType } from './content-negotiation.ts'
import { createDebugReport } from './debug-report.ts'
import type { DebugReport } from './debug-report.ts'
import { ERROR_PAGE_POLICY, renderErrorPage } from './error-page.ts'
import { HttpError } from './http-error.ts'
import { isInstance } from './is-instance.ts'
import { toProblem, toProblemDetails } from './problem.ts'
import type { Problem } from './problem.ts'
import type { RequestApp } from './request-app.ts'
import type { Request } from './request.ts'
import { Response } from './response.ts'
import { addVary } from './vary.ts'

/** First what is sent to clients that accept anything. Whoever wants JSON gets RFC 9457. */
const TYPES = ['text/plain', 'text/html', 'application/problem+json', 'application/json'] as const

/**
 * The built-in answer for what was thrown, as text, HTML or problem details, whichever the client prefers. An
 * {@link HttpError} shows its status and message; anything else is a 500 that says nothing, whatever fields it has. In
 * debug mode a status from 500 on comes with stack, route and request. Never throws.
 */
export function errorResponse(error: unknown, request: Request, app: RequestApp): Response {
  const problem = toProblem(error, request)
  const report =
    app.debug && problem.status >= 500
      ? createDebugReport(error, request, app, app.redactedFields)
      : undefined
  const headers = isInstance(error, HttpError) ? error.headers : undefined
  const response = new Response(null, { status: problem.status, headers })
  fill(response, preferredType(request.headers.get('accept'), TYPES), problem, report)
  if (isInstance(error, HttpError)) {
    for (const cookie of error.cookies.values()) response.headers.append('set-cookie', cookie)
  }
  response.error = error
  return response
}

function fill(
  response: Response,
  type: (typeof TYPES)[number] | undefined,
  problem: Problem,
  report: DebugReport | undefined,
): void {
  const { headers } = response
  addVary(headers, 'Accept')
  headers.set('x-content-type-options', 'nosniff') // what was asked for may be in it (P27)
  if (type === 'text/html') {
    headers.set('content-type', 'text/html; charset=utf-8')
    if (!headers.has('content-security-policy')) headers.set('content-security-policy', ERROR_PAGE_POLICY)
    response.body = renderErrorPage(problem, report)
  } else if (type === 'application/problem+json' || type === 'application/json') {
    headers.set('content-type', 'application/problem+json')
    response.body = JSON.stringify({ ...toProblemDetails(problem), debug: report })
  } else {
    headers.set('content-type', 'text/plain; charset=utf-8')
    response.body = renderText(problem, report)
  }
}

function renderText({ status, title, detail }: Problem, report: DebugReport | undefined): string {
  const line = `${status}: ${detail ?? title}\n`
  return report ? `${line}\n${report.error}\n\n${report.route}\n\n${report.request}\n` : line
}
