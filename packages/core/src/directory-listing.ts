import { readdir } from 'node:fs/promises'

import { escapeHtml } from './escape-html.ts'
import type { FilePlace, FileRoot } from './file-root.ts'
import { isReadable, unlessAbsent } from './opened-file.ts'
import type { FileKind } from './opened-file.ts'
import { html } from './response.ts'
import type { Response } from './response.ts'

/** A directory below a root, by the names that lead to it. */
export interface ListedDirectory {
  readonly root: FileRoot
  readonly names: readonly string[]
  readonly place: FilePlace
}

interface Entry {
  readonly name: string
  readonly kind: FileKind
}

/** Each entry that is shown costs a look at the file system. */
const MAX_ENTRIES = 1000
const POLICY = "default-src 'none'; style-src 'unsafe-inline'"
const STYLE =
  'body { margin: 3rem auto; max-width: 60rem; font: 1rem/1.5 system-ui; color-scheme: light dark }'

/**
 * A page with what a directory holds and may be served: the rest looks as if it were not there (P26). All names are
 * escaped (P27).
 *
 * @param title the path as people read it
 * @returns `undefined` when the directory may not be read
 */
export async function listDirectory(
  directory: ListedDirectory,
  title: string,
): Promise<Response | undefined> {
  const found = await unlessAbsent(readdir(directory.place.path))
  if (!found) return undefined
  const names = found.filter(name => directory.root.shows(name)).sort()
  const entries = await Promise.all(names.slice(0, MAX_ENTRIES).map(name => readEntry(directory, name)))
  const lines = entries.filter(entry => entry !== undefined).map(renderEntry)
  if (directory.names.length > 0) lines.unshift('<li><a href="../">../</a>')
  if (names.length > MAX_ENTRIES) lines.push(`<li>${names.length - MAX_ENTRIES} more`)
  const headers = {
    'cache-control': 'no-cache',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
  }
  return html(renderPage(title, lines), { headers })
}

async function readEntry({ root, names }: ListedDirectory, name: string): Promise<Entry | undefined> {
  const place = await root.find([...names, name])
  return place && (await isReadable(place.path)) ? { name, kind: place.kind } : undefined
}

function renderEntry({ name, kind }: Entry): string {
  const slash = kind === 'directory' ? '/' : ''
  return `<li><a href="${escapeHtml(encodeURIComponent(name))}${slash}">${escapeHtml(name)}${slash}</a>`
}

function renderPage(title: string, lines: readonly string[]): string {
  const heading = escapeHtml(title)
  return [
    `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${heading}</title>`,
    `<meta name="viewport" content="width=device-width">\n<style>${STYLE}</style>`,
    `<h1>${heading}</h1>\n<ul>`,
    ...lines,
    '</ul>\n',
  ].join('\n')
}
