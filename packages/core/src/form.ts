import { groupFields } from './group-fields.ts'
import type { GroupedFields } from './group-fields.ts'
import type { UploadedFile } from './uploaded-file.ts'

/** What a field of a form can hold. */
export type FormValue = string | UploadedFile

/**
 * The fields of a form, in the order in which they came. The interface is that of the Fetch `FormData`, except that
 * text and files are asked for apart: a file never turns up where text was expected, nor the other way round.
 *
 * @example
 * ```ts
 * import { Application, HttpBadRequest, text } from '@allium/core'
 *
 * const app = new Application()
 * app.post('/profile', async request => {
 *   const form = await request.form()
 *   const picture = form.getFile('picture')
 *   if (!picture) throw new HttpBadRequest('A picture is needed')
 *   return text(`${form.get('nick') ?? 'Nobody'} sent ${picture.size} bytes`)
 * })
 * ```
 */
export class Form {
  readonly #fields: readonly (readonly [string, FormValue])[]

  /** @internal Forms come out of `request.form()`. */
  constructor(fields: readonly (readonly [string, FormValue])[]) {
    this.#fields = fields
  }

  /** How many values there are, files included. */
  get size(): number {
    return this.#fields.length
  }

  /** The first text of the name, `null` when there is none. */
  get(name: string): string | null {
    return this.getAll(name)[0] ?? null
  }

  /** Every text of the name. */
  getAll(name: string): string[] {
    return this.#valuesOf(name).filter(isText)
  }

  /** The first file of the name, `null` when there is none, as when the visitor has chosen none. */
  getFile(name: string): UploadedFile | null {
    return this.getFiles(name)[0] ?? null
  }

  /** Every file of the name. */
  getFiles(name: string): UploadedFile[] {
    return this.#valuesOf(name).filter(isFile)
  }

  /** Whether there is text or a file of the name. */
  has(name: string): boolean {
    return this.#valuesOf(name).length > 0
  }

  /** Name and value of each field, repeated names repeatedly. */
  entries(): IterableIterator<readonly [string, FormValue]> {
    return this.#fields.values()
  }

  /** Name and value of each field, repeated names repeatedly. */
  [Symbol.iterator](): IterableIterator<readonly [string, FormValue]> {
    return this.entries()
  }

  /** Values by name, those of repeated names as a list, in an object without a prototype: what a schema is given. */
  toObject(): GroupedFields<FormValue> {
    return groupFields(this.#fields)
  }

  #valuesOf(name: string): FormValue[] {
    return this.#fields.filter(field => field[0] === name).map(field => field[1])
  }
}

function isText(value: FormValue): value is string {
  return typeof value === 'string'
}

function isFile(value: FormValue): value is UploadedFile {
  return typeof value !== 'string'
}
