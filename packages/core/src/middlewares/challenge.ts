import { HttpUnauthorized } from '../http-error.ts'

/**
 * Writes the realm of a challenge (RFC 9110 §11.5, §11.6.1).
 *
 * @throws TypeError for a realm with control or non-ASCII characters, which have no agreed spelling there
 */
export function realmParameter(realm: string): string {
  if (!/^[\x20-\x7e]*$/.test(realm)) {
    throw new TypeError(`Cannot demand credentials for realm "${realm}": only printable ASCII can be sent`)
  }
  return `realm="${realm.replace(/["\\]/g, '\\$&')}"`
}

/** A 401 that says what is demanded (RFC 9110 §15.5.2). */
export function challenge(demand: string): HttpUnauthorized {
  return new HttpUnauthorized(undefined, { headers: { 'www-authenticate': demand } })
}
