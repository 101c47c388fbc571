/** A form as browsers send it: what `fetch` would put on the wire. */
export async function encodeForm(form: FormData): Promise<{ body: Buffer; type: string }> {
  const encoded = new Response(form)
  return { body: Buffer.from(await encoded.arrayBuffer()), type: encoded.headers.get('content-type')! }
}

/** Parts with the boundary `B0`, each a head and its content, and the end. */
export function multipart(...parts: readonly (readonly [head: string, content: string])[]): string {
  return parts.map(([head, content]) => `--B0\r\n${head}\r\n\r\n${content}\r\n`).join('') + '--B0--\r\n'
}

/** The head of a part that is a field, or a file when it has a file name. */
export function partHead(name: string, filename?: string): string {
  const file = filename === undefined ? '' : `; filename="${filename}"`
  return `Content-Disposition: form-data; name="${name}"${file}`
}

/** The type that belongs to the boundary `B0`. */
export const B0 = { 'content-type': 'multipart/form-data; boundary=B0' }
