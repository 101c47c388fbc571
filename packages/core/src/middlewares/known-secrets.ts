import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Compares two secrets in a time that tells nothing of how much of them is equal, nor of their lengths.
 *
 * @example
 * ```ts
 * import { secretsEqual } from '@allium/core/middlewares'
 *
 * console.log(secretsEqual('given', 'expected')) // false
 * ```
 */
export function secretsEqual(one: string, other: string): boolean {
  const digest = createDigest()
  return timingSafeEqual(digest(one), digest(other))
}

/**
 * A verifier for `basicAuth` that knows a few users: their passwords by name. The principal is the name. Kept as
 * digests, and every one is compared, whoever asks. For users in a database, whose passwords need a slow hash, write a
 * verifier of your own.
 *
 * @throws TypeError for a name with a colon, which cannot be sent, and for an empty password
 */
export function knownUsers(
  users: Readonly<Record<string, string>>,
): (credentials: { readonly username: string; readonly password: string }) => string | undefined {
  for (const username of Object.keys(users)) {
    if (username.includes(':')) throw new TypeError(`Cannot know user "${username}": the name holds a colon`)
  }
  const find = knownSecrets(users, (username, password) => `${username}:${password}`)
  return ({ username, password }) => find(`${username}:${password}`)
}

/**
 * A verifier for `bearerAuth` that knows a few tokens, by the name of whom each was given to. The principal is that
 * name. Kept as digests, and every one is compared.
 *
 * @throws TypeError for an empty token
 */
export function knownTokens(tokens: Readonly<Record<string, string>>): (token: string) => string | undefined {
  return knownSecrets(tokens, (_, token) => token)
}

function knownSecrets(
  secrets: Readonly<Record<string, string>>,
  toText: (name: string, secret: string) => string,
): (text: string) => string | undefined {
  const digest = createDigest()
  const known = Object.entries(secrets).map(([name, secret]) => {
    // An unset environment variable must not become a password.
    if (!secret) throw new TypeError(`Cannot know the secret of "${name}": it is empty`)
    return { name, digest: digest(toText(name, secret)) }
  })
  return text => {
    const given = digest(text)
    let found: string | undefined
    for (const one of known) if (timingSafeEqual(one.digest, given)) found = one.name
    return found
  }
}

/** Digests by a key of their own, so that nobody can work out beforehand which text comes close to which. */
function createDigest(): (text: string) => Buffer {
  const key = createSecretKey(randomBytes(32)) // as bytes it would cost 9 µs more each time on Node 24
  return text => createHmac('sha256', key).update(text).digest()
}
