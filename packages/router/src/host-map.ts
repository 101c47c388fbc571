const MASK = '*.'
const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::\d*)?$/i

/**
 * Values by host: an exact name, or a mask such as `*.example.com` for everything below a domain. Case, a port and a
 * trailing dot make no difference, neither here nor in a request (P10).
 */
export class HostMap<Value> {
  readonly #exact = new Map<string, Value>()
  readonly #masks = new Map<string, Value>()

  /** The value of a host as {@link parseHost} spells it, made when there is none. */
  getOrAdd(host: string, create: () => Value): Value {
    const values = host.startsWith(MASK) ? this.#masks : this.#exact
    const key = host.startsWith(MASK) ? host.slice(MASK.length) : host
    let value = values.get(key)
    if (value === undefined) values.set(key, (value = create()))
    return value
  }

  /** The value for the host of a request: the exact one, or else that of the longest mask. */
  find(host: string): Value | undefined {
    const name = normalizeHost(host)
    const exact = this.#exact.get(name)
    if (exact !== undefined || this.#masks.size === 0) return exact
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const masked = this.#masks.get(name.slice(dot + 1))
      if (masked !== undefined && dot > 0) return masked
    }
    return undefined
  }
}

/**
 * The one spelling of a host that routes are registered for.
 *
 * @throws TypeError when it is neither a host name in ASCII, an address, nor a mask
 */
export function parseHost(host: string): string {
  const mask = host.startsWith(MASK) ? MASK : ''
  const name = host.slice(mask.length)
  if (HOST.test(name)) return mask + normalizeHost(name)
  throw new TypeError(
    `Cannot use the host "${host}": it is no ASCII host name or address, nor "*." and a name (spell others as "xn--…")`,
  )
}

function normalizeHost(host: string): string {
  const colon = host.endsWith(']') ? -1 : host.lastIndexOf(':')
  const end = colon === -1 ? host.length : colon
  return host.slice(0, host[end - 1] === '.' ? end - 1 : end).toLowerCase()
}
