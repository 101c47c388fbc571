/** A parsed `Content-Type` value. */
export interface MediaType {
  /** Lower-case type and subtype: `text/html`. */
  readonly essence: string
  /** Parameters by lower-case name, quotes removed. */
  readonly parameters: ReadonlyMap<string, string>
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const ESSENCE = new RegExp(`^[ \\t]*(${TOKEN}/${TOKEN})`)
const PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?`, 'y')

/** Reads a media type by its grammar (RFC 9110 §8.3.1); `undefined` when anything does not fit. */
export function parseMediaType(text: string): MediaType | undefined {
  const essence = ESSENCE.exec(text)
  if (!essence) return undefined

  const parameters = new Map<string, string>()
  let position = essence[0].length
  while (position < text.length) {
    PARAMETER.lastIndex = position
    const match = PARAMETER.exec(text)
    if (!match)
      return /^[ \t]*$/.test(text.slice(position))
        ? { essence: essence[1]!.toLowerCase(), parameters }
        : undefined
    position = PARAMETER.lastIndex
    const [, name, token, quoted] = match
    if (name) setFirst(parameters, name.toLowerCase(), token ?? quoted!.replace(/\\(.)/g, '$1'))
  }
  return { essence: essence[1]!.toLowerCase(), parameters }
}

/** Whether the media type is JSON: `application/json`, or any type with the `+json` suffix (RFC 6839 §3.1). */
export function isJsonType(type: MediaType): boolean {
  return type.essence === 'application/json' || type.essence.endsWith('+json')
}

function setFirst(parameters: Map<string, string>, name: string, value: string): void {
  if (!parameters.has(name)) parameters.set(name, value)
}
