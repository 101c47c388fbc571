import type { StandardSchemaV1 } from '@standard-schema/spec'

import { HttpUnprocessableContent } from './http-error.ts'
import type { HttpErrorOptions } from './http-error.ts'

/** One thing that a schema found wrong. */
export interface ValidationIssue {
  /** What is wrong, in the words of the schema. */
  readonly message: string
  /** Where: names and indexes from the outermost inwards, empty for the value as a whole. */
  readonly path: readonly (string | number)[]
}

/** More than these are of no use to anybody, and would make a large answer of a small request. */
const ISSUES_MAX = 100

/**
 * 422: what came does not fit its schema. The message lists the issues line by line.
 *
 * @example
 * ```ts
 * import { Application, json, ValidationError } from '@allium/core'
 *
 * const app = new Application()
 * app.onError(ValidationError, error => json({ issues: error.issues }, { status: error.status }))
 * ```
 */
export class ValidationError extends HttpUnprocessableContent {
  /** What is wrong, the first hundred of it. */
  readonly issues: readonly ValidationIssue[]

  /** @param message what the issues are about; one line each follows it */
  constructor(issues: readonly ValidationIssue[], message: string, options?: HttpErrorOptions | undefined) {
    const shown = issues.slice(0, ISSUES_MAX)
    super([message, ...shown.map(toLine)].join('\n'), options)
    this.issues = shown
  }
}

/**
 * Has a schema of any Standard Schema library look at a value.
 *
 * @param subject what the value is, for the message
 * @returns what the schema makes of the value
 * @throws ValidationError when it does not fit
 * @throws TypeError for a schema that is none
 */
export async function validate<Schema extends StandardSchemaV1>(
  schema: Schema,
  value: unknown,
  subject: string,
): Promise<StandardSchemaV1.InferOutput<Schema>> {
  const standard = (schema as Partial<StandardSchemaV1>)['~standard']
  if (standard === undefined) {
    throw new TypeError(`Cannot validate ${subject.toLowerCase()}: the schema is no Standard Schema`)
  }
  const result = await standard.validate(value)
  if (result.issues) throw new ValidationError(result.issues.map(toIssue), `${subject} does not fit`)
  return result.value
}

function toIssue({ message, path = [] }: StandardSchemaV1.Issue): ValidationIssue {
  return { message, path: path.map(segment => toKey(typeof segment === 'object' ? segment.key : segment)) }
}

function toKey(key: PropertyKey): string | number {
  return typeof key === 'symbol' ? String(key) : key
}

function toLine({ message, path }: ValidationIssue): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`
}
