import type { Answer } from './answer.ts'
import { HttpError, HttpInternalServerError } from './http-error.ts'
import { isInstance } from './is-instance.ts'
import type { Awaitable } from './middleware.ts'
import type { Request } from './request.ts'

/** Makes the answer for an error; see `Application.onError`. */
export type ErrorHandler<Thrown> = (error: Thrown, request: Request) => Awaitable<Answer>

/** A class of errors. */
export type ErrorClass<Thrown> = abstract new (...args: never[]) => Thrown

/** The error handlers of one application. */
export class ErrorHandlers {
  readonly #byKind = new Map<unknown, ErrorHandler<never>>()

  add(kind: number | ErrorClass<unknown>, handler: ErrorHandler<never>): void {
    this.#byKind.set(kind, handler)
  }

  /**
   * A call of the handler that fits the error best: that of its own class, of its status, then of the nearest
   * class it extends. An error that is not an HttpError counts as a 500.
   */
  find(error: unknown): ((request: Request) => Awaitable<Answer>) | undefined {
    for (const [index, errorClass] of classesOf(error).entries()) {
      const handler = this.#byKind.get(errorClass)
      if (handler) return request => handler(error as never, request) // registered for this very class
      if (index === 0) {
        const byStatus = this.#findByStatus(error)
        if (byStatus) return byStatus
      }
    }
    return this.#findByStatus(error)
  }

  #findByStatus(error: unknown): ((request: Request) => Awaitable<Answer>) | undefined {
    const status = isInstance(error, HttpError) ? error.status : 500
    const handler = this.#byKind.get(status)
    if (!handler) return undefined
    const shown = isInstance(error, HttpError)
      ? error
      : new HttpInternalServerError(undefined, { cause: error })
    return request => handler(shown as never, request) // a status handler takes any HttpError
  }
}

/** Constructors from the value's own class outwards; empty for what is not an object, or lies about its kin. */
function classesOf(value: unknown): unknown[] {
  const classes: unknown[] = []
  if (typeof value !== 'object' || value === null) return classes
  try {
    for (let proto: unknown = Object.getPrototypeOf(value); proto; proto = Object.getPrototypeOf(proto)) {
      const own = Object.getOwnPropertyDescriptor(proto, 'constructor')
      if (own) classes.push(own.value)
    }
  } catch {
    return [] // a proxy with traps that throw
  }
  return classes
}
