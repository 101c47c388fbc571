import { decodeText } from './decode-text.ts'
import { HttpBadRequest } from './http-error.ts'

/** What the `Content-Disposition` of a part says of it. */
export interface FormDisposition {
  /** `undefined` when it has none. */
  readonly name: string | undefined
  /** A bare name, without a path; `undefined` when the part is no file, empty when no file was chosen. */
  readonly filename: string | undefined
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const TYPE = new RegExp(`^${TOKEN}[ \\t]*(?=;|$)`)
const PARAMETER = new RegExp(
  `;[ \\t]*(?:(${TOKEN})=(?:"((?:[^"\\\\]|\\\\[^])*)"|([^\\s",;\\\\]+))[ \\t]*)?(?=;|$)`,
  'y',
)
const EXTENDED = /^utf-8'[^']*'([^']*)$/i
const ESCAPES = /\\(")|%(22|0D|0A)/gi
// eslint-disable-next-line no-control-regex -- those are what must not get into a name
const CONTROLS = /[\0-\x1f\x7f]/g

/**
 * Reads the `Content-Disposition` of a part as browsers write it (RFC 7578 §4.2, and the HTML Standard): UTF-8 as it
 * is, with `%22`, `%0D` and `%0A` for what would end it. Other clients write `\\"`, or `filename*` (RFC 8187): both count.
 *
 * @param value the field as it came, each byte a character
 * @throws HttpBadRequest when it does not fit the grammar, says something twice, or is not UTF-8
 */
export function parseFormDisposition(value: string): FormDisposition {
  const parameters = parseParameters(value)
  const name = parameters.get('name')
  const filename = parameters.get('filename')
  const extended = parameters.get('filename*')
  return {
    name: name === undefined ? undefined : decode(name),
    filename:
      extended !== undefined
        ? baseName(decodeExtended(extended))
        : filename === undefined
          ? undefined
          : baseName(decode(filename)),
  }
}

function parseParameters(value: string): Map<string, string> {
  const parameters = new Map<string, string>()
  let position = TYPE.exec(value)?.[0].length ?? Infinity
  while (position < value.length) {
    PARAMETER.lastIndex = position
    const [all, name, quoted, token] = PARAMETER.exec(value) ?? []
    const lower = name?.toLowerCase()
    if (all === undefined || (lower !== undefined && parameters.has(lower))) throw malformed()
    if (lower !== undefined) parameters.set(lower, quoted ?? token!)
    position += all.length
  }
  if (position !== value.length) throw malformed()
  return parameters
}

function decode(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  return decodeText(bytes, undefined, 'The name of a part').replace(ESCAPES, unescape)
}

function unescape(_all: string, escaped: string | undefined, code: string): string {
  return escaped ?? String.fromCharCode(parseInt(code, 16))
}

function decodeExtended(text: string): string {
  const encoded = EXTENDED.exec(text)?.[1]
  try {
    if (encoded !== undefined) return decodeURIComponent(encoded)
  } catch {
    // not UTF-8, or no percent-encoding
  }
  throw malformed()
}

/** Old clients sent the whole path; and a name that leads elsewhere is never meant well. */
function baseName(filename: string): string {
  const last = filename.slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1)
  const name = last.replace(CONTROLS, '')
  return name === '.' || name === '..' ? '' : name
}

function malformed(): HttpBadRequest {
  return new HttpBadRequest('A part of the multipart body has a malformed Content-Disposition')
}
