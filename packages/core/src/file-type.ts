import { extname } from 'node:path'

import type { Mime } from 'mime'

const UNKNOWN = 'application/octet-stream'

// Loaded by the first file: an application that serves none does not pay for the table when it starts. Asking for the
// module each time would take longer than the look-up.
let types: Mime | undefined

/**
 * The media type of a file, by the extension of its name and by nothing else (P27); text and JSON come with
 * `charset=utf-8`.
 */
export async function fileType(path: string): Promise<string> {
  types ??= (await import('mime')).default
  const type = types.getType(extname(path)) ?? UNKNOWN
  return isText(type) ? `${type}; charset=utf-8` : type
}

function isText(type: string): boolean {
  return type.startsWith('text/') || type === 'application/json' || type.endsWith('+json')
}
