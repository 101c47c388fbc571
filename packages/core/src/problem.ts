import { HttpError } from './http-error.ts'
import { isInstance } from './is-instance.ts'
import { reasonPhrase } from './reason-phrase.ts'
import type { Request } from './request.ts'
import { requestIdKey } from './request-id.ts'
import { ValidationError } from './validation.ts'
import type { ValidationIssue } from './validation.ts'

/** What a client is told of an error: the members of RFC 9457 §3.1, and one more (§3.2). */
export interface Problem {
  readonly type: 'about:blank'
  /** The phrase of the status. */
  readonly title: string
  readonly status: number
  /** What the error says, if that is more than the phrase. */
  readonly detail: string | undefined
  /** This very occurrence, as the log names it, if requests have ids. */
  readonly instance: string | undefined
  /** What a schema found wrong. */
  readonly issues: readonly ValidationIssue[] | undefined
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Says of an error what may be said: an {@link HttpError} shows status and message, anything else nothing (P32). */
export function toProblem(error: unknown, request: Request): Problem {
  const { status, message } = isInstance(error, HttpError) ? error : { status: 500, message: undefined }
  const title = reasonPhrase(status) ?? 'Error'
  return {
    type: 'about:blank',
    title,
    status,
    detail: message === title ? undefined : message,
    instance: instanceOf(request),
    issues: isInstance(error, ValidationError) ? error.issues : undefined,
  }
}

/** The problem as JSON: issues stand there by themselves, and not in the detail as well. */
export function toProblemDetails(problem: Problem): Problem {
  return problem.issues ? { ...problem, detail: problem.detail?.split('\n', 1)[0] } : problem
}

function instanceOf({ state }: Request): string | undefined {
  const id = state.find(requestIdKey)
  return id !== undefined && UUID.test(id) ? `urn:uuid:${id}` : undefined
}
