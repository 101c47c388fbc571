/** Fields whose values are shown to nobody, whatever else an application or a test adds. */
const SECRET_FIELDS = ['authorization', 'cookie', 'proxy-authorization', 'set-cookie', 'x-api-key']
/** Fields that hold addresses. */
const ADDRESS_FIELDS = /^(?:location|referer|content-location)$/
const HIDDEN = '[redacted]'

/** Takes what is secret out of what is shown: values of header fields, of query parameters, and of members of bodies. */
export class Redaction {
  readonly #names: ReadonlySet<string>
  readonly #inBodies: readonly [pattern: RegExp, replacement: string][]

  /** @param names of fields, parameters and members, besides those that are secret anyway */
  constructor(names: Iterable<string>) {
    this.#names = new Set([...SECRET_FIELDS, ...names].map(name => name.toLowerCase()))
    const any = Array.from(this.#names, name => name.replace(/[^\w-]/g, '\\$&')).join('|')
    this.#inBodies = [
      [
        new RegExp(`("(?:${any})"\\s*:\\s*)(?:"(?:[^"\\\\]|\\\\.)*(?:"|$)|[^,}\\]\\s]+)`, 'gi'),
        `$1"${HIDDEN}"`,
      ],
      [new RegExp(`(^|&)(${any})=[^&\\s]*`, 'gi'), `$1$2=${HIDDEN}`],
      [new RegExp(`(name="(?:${any})"[^]*?\\r\\n\\r\\n)[^]*?(?=\\r\\n--|$)`, 'gi'), `$1${HIDDEN}`],
    ]
  }

  /** The first line of a message and its fields. */
  head(lines: readonly string[]): string[] {
    return lines.map((line, place) => (place === 0 ? this.#target(line) : this.#field(line)))
  }

  /** The body of a message, as text. */
  body(text: string): string {
    return this.#inBodies.reduce((shown, [pattern, by]) => shown.replace(pattern, by), text)
  }

  #field(line: string): string {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (ADDRESS_FIELDS.test(name)) return `${line.slice(0, colon)}: ${this.#target(value)}`
    if (!this.#names.has(name)) return line
    return `${line.slice(0, colon)}: ${hide(name, value)}`
  }

  #target(text: string): string {
    return text.replace(/([?&])([^=&\s#]+)=([^&\s#]*)/g, (pair: string, before: string, name: string) =>
      this.#names.has(decode(name).toLowerCase()) ? `${before}${name}=${HIDDEN}` : pair,
    )
  }
}

/** Of cookies the values only: which there are, and with what attributes, is no secret and often the question. */
function hide(name: string, value: string): string {
  if (name === 'cookie') return value.replace(/=[^;]*/g, `=${HIDDEN}`)
  if (name === 'set-cookie') return value.replace(/=[^;]*/, `=${HIDDEN}`)
  return HIDDEN
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
