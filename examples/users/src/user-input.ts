import { HttpUnprocessableContent } from '@allium/core'

/** What a client sends of a user. */
export interface UserInput {
  readonly name: string
  readonly email: string
}

/** The part of a list that was asked for. */
export interface Page {
  readonly limit: number
  readonly offset: number
}

/** One thing that is wrong with what a client sent. */
export interface Issue {
  readonly field: string
  readonly message: string
}

/** 422, with everything that is wrong. */
export class InvalidInput extends HttpUnprocessableContent {
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    super('Some of the input is not valid')
    this.issues = issues
  }
}

const MAX_LENGTH = 200
const MAX_LIMIT = 100
const MAX_OFFSET = 1_000_000
const MAX_STRANGERS = 10 // unknown fields that are named; an answer is not to outgrow its request

/** @throws HttpUnprocessableContent for anything but an object, an {@link InvalidInput} for a wrong one */
export function parseUser(value: unknown): UserInput {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpUnprocessableContent('A user is an object with name and email')
  }
  const { name, email, ...unknown } = value as Record<string, unknown>
  const issues = Object.keys(unknown)
    .slice(0, MAX_STRANGERS)
    .map(field => ({ field, message: 'is not known' }))
  if (!isText(name))
    issues.push({ field: 'name', message: `must be a text of 1 to ${MAX_LENGTH} characters` })
  if (!isEmail(email)) issues.push({ field: 'email', message: 'must be an e-mail address' })
  if (issues.length > 0) throw new InvalidInput(issues)
  return { name, email } as UserInput // both were found to be texts
}

/** @throws InvalidInput for anything but small whole numbers */
export function parsePage(query: URLSearchParams): Page {
  const limit = query.get('limit') ?? '20'
  const offset = query.get('offset') ?? '0'
  const issues: Issue[] = []
  if (!isNumberTo(MAX_LIMIT, limit)) issues.push(notANumber('limit', MAX_LIMIT))
  if (!isNumberTo(MAX_OFFSET, offset)) issues.push(notANumber('offset', MAX_OFFSET))
  if (issues.length > 0) throw new InvalidInput(issues)
  return { limit: Number(limit), offset: Number(offset) }
}

function isText(value: unknown): value is string {
  // PostgreSQL has no NUL in texts.
  return (
    typeof value === 'string' && value.trim() !== '' && value.length <= MAX_LENGTH && !value.includes('\0')
  )
}

function isEmail(value: unknown): value is string {
  return isText(value) && /^[^@\s]+@[^@\s]+$/.test(value)
}

function isNumberTo(max: number, text: string): boolean {
  return /^\d{1,7}$/.test(text) && Number(text) <= max
}

function notANumber(field: string, max: number): Issue {
  return { field, message: `must be a whole number up to ${max}` }
}
