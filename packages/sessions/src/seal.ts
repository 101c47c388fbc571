import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  pbkdf2Sync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import type { CipherKey } from 'node:crypto'
import process from 'node:process'

/** A secret with a name that seals carry, so that it can be told which of several opens them. */
export interface SealPassword {
  /** Letters, digits and `_`; empty for seals that carry no name. */
  readonly id: string
  /** 32 characters or more, random: `openssl rand -base64 32`. */
  readonly secret: string
}

/** One secret; or several with names, of which the first seals and all open: to change it, put a new one first. */
export type SealPasswords = string | readonly SealPassword[]

/** How long a seal holds. */
export interface SealOptions {
  /** In milliseconds; default: for ever. */
  readonly ttl?: number | undefined
  /** What time it is, in milliseconds since 1970; default `Date.now()`. */
  readonly now?: number | undefined
}

/** What was sealed, and by which password. */
export interface Unsealed {
  /** As text. */
  readonly text: string
  /** The `id` of the password. */
  readonly passwordId: string
}

const PREFIX = 'Fe26.2'
const MIN_SECRET = 32
const ALGORITHM = 'aes-256-cbc'
const KEY_BYTES = 32
const SALT_BYTES = 32
const IV_BYTES = 16
/** Given bytes, Node 24 takes some 20 µs more for each key; Node 20 and 22 take some 3 µs more for an object. */
const PREFERS_KEY_OBJECTS = Number.parseInt(process.versions.node) >= 24
const EXPIRATION = /^[1-9]\d{0,15}$/
/** What `iron-session` adds behind a seal. */
const SUFFIX = /~2$/

/**
 * Encrypts and authenticates a value so that only who has the password can read it, or make another one: AES-256-CBC,
 * then HMAC-SHA-256, in the format `Fe26.2` of `@hapi/iron`, whose `unseal` opens it, as do that of `iron-webcrypto`
 * and, with `~2` appended, that of `iron-session`. The result is made of letters, digits and `. * - _`.
 *
 * @throws TypeError for a secret shorter than 32 characters, ids that repeat or have other characters, and for a value
 *   that JSON cannot express
 * @throws RangeError for a `ttl` that is not positive
 *
 * @example
 * ```ts
 * import { seal, unseal } from '@allium/sessions'
 *
 * const password = 'at least 32 characters, better random ones'
 * const link = seal({ user: 7 }, password, { ttl: 3_600_000 })
 * console.log(unseal(link, password)) // { user: 7 }
 * console.log(unseal(link + 'x', password)) // undefined
 * ```
 */
export function seal(value: unknown, passwords: SealPasswords, options: SealOptions = {}): string {
  const { ttl, now = Date.now() } = options
  const text = JSON.stringify(value) as string | undefined // undefined for undefined, functions and symbols
  if (text === undefined) throw new TypeError(`Cannot seal a value: JSON has no ${typeof value}`)
  if (ttl !== undefined && !(ttl > 0)) throw new RangeError(`Cannot seal for ${ttl} ms: it is not positive`)
  return new SealKeyring(passwords).seal(text, ttl === undefined ? undefined : now + ttl)
}

/**
 * Opens what {@link seal}, `@hapi/iron`, `iron-webcrypto` or `iron-session` has sealed. `undefined` for everything else:
 * what was changed, cut, sealed by another password, or has expired. Never throws for the text.
 *
 * @throws TypeError for passwords that {@link seal} refuses
 */
export function unseal(
  sealed: string,
  passwords: SealPasswords,
  options: Pick<SealOptions, 'now'> = {},
): unknown {
  const unsealed = new SealKeyring(passwords).unseal(sealed, options.now ?? Date.now())
  try {
    return unsealed && (JSON.parse(unsealed.text) as unknown)
  } catch {
    return undefined
  }
}

/** Passwords, checked once. */
export class SealKeyring {
  readonly #passwords: ReadonlyMap<string, string>
  readonly #current: SealPassword

  constructor(passwords: SealPasswords) {
    const list = typeof passwords === 'string' ? [{ id: '', secret: passwords }] : passwords
    if (list.length === 0) throw new TypeError('Cannot seal without a password')
    list.forEach(assertPassword)
    this.#current = list[0]!
    this.#passwords = new Map(list.map(({ id, secret }) => [id, secret]))
    if (this.#passwords.size < list.length) throw new TypeError('Cannot tell two passwords of one id apart')
  }

  /** Name of the password that seals. */
  get currentId(): string {
    return this.#current.id
  }

  seal(text: string, expiresAt: number | undefined): string {
    const { id, secret } = this.#current
    const salt = randomBytes(SALT_BYTES).toString('hex')
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv(ALGORITHM, deriveKey(secret, salt), iv)
    const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    const expiration = expiresAt === undefined ? '' : Math.floor(expiresAt)
    const ivText = iv.toString('base64url')
    const signed = `${PREFIX}*${id}*${salt}*${ivText}*${encrypted.toString('base64url')}*${expiration}`
    const macSalt = randomBytes(SALT_BYTES).toString('hex')
    return `${signed}*${macSalt}*${macOf(signed, secret, macSalt)}`
  }

  unseal(sealed: string, now: number): Unsealed | undefined {
    const parts = sealed.replace(SUFFIX, '').split('*', 9)
    if (parts.length !== 8) return undefined
    const [prefix, id, salt, iv, encrypted, expiration, macSalt, mac] = parts as SealParts
    const secret = this.#secretFor(id)
    if (prefix !== PREFIX || secret === undefined) return undefined
    const signed = `${prefix}*${id}*${salt}*${iv}*${encrypted}*${expiration}`
    if (!isEqual(mac, macOf(signed, secret, macSalt))) return undefined
    // Whoever could sign a malformed expiration has the password: the seal is of another make, and not understood.
    if (expiration !== '' && !(EXPIRATION.test(expiration) && Number(expiration) > now)) return undefined
    const text = decrypt(encrypted, deriveKey(secret, salt), Buffer.from(iv, 'base64url'))
    return text === undefined ? undefined : { text, passwordId: id }
  }

  /** A single secret opens seals with any name: `iron-session` calls its only password "1". */
  #secretFor(id: string): string | undefined {
    const isNameless = this.#passwords.size === 1 && this.#current.id === ''
    return isNameless ? this.#current.secret : this.#passwords.get(id)
  }
}

type SealParts = [string, string, string, string, string, string, string, string]

// One round is what the format has: the strength is that of the secret, which is why short ones are refused.
function deriveKey(secret: string, salt: string): CipherKey {
  const bytes = pbkdf2Sync(secret, salt, 1, KEY_BYTES, 'sha1')
  return PREFERS_KEY_OBJECTS ? createSecretKey(bytes) : bytes
}

function macOf(signed: string, secret: string, salt: string): string {
  return createHmac('sha256', deriveKey(secret, salt)).update(signed).digest('base64url')
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Of what was signed with the right secret only; still, another program may have signed nonsense with it. */
function decrypt(encrypted: string, key: CipherKey, iv: Buffer): string | undefined {
  try {
    const decipher = createDecipheriv(ALGORITHM, key, iv)
    return decipher.update(encrypted, 'base64url', 'utf8') + decipher.final('utf8')
  } catch {
    return undefined
  }
}

function assertPassword({ id, secret }: SealPassword): void {
  if (typeof secret !== 'string' || secret.length < MIN_SECRET) {
    throw new TypeError(`Cannot seal with a password of less than ${MIN_SECRET} characters`)
  }
  if (!/^\w*$/.test(id)) throw new TypeError(`Cannot name a password "${id}": letters, digits and _ only`)
}
