import { createHash, randomBytes } from 'node:crypto'

/** 256 bits, as base64url. */
const WELL_FORMED = /^[\w-]{43}$/

/** What a cookie carries: 256 random bits (P37). */
export function createToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Whether the text could have come from {@link createToken}. */
export function isToken(text: string): boolean {
  return WELL_FORMED.test(text)
}

/** What a store knows a session by: whoever reads the store cannot make a cookie of it. */
export function idOfToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
