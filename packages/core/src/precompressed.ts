import { preferredEncoding } from './content-negotiation.ts'
import { isPlainFile } from './opened-file.ts'

/** Extensions by which compressed siblings are known, smallest result first. */
const EXTENSIONS = { br: '.br', zstd: '.zst', gzip: '.gz' } as const

/** How a sibling is compressed. */
export type FileCoding = keyof typeof EXTENSIONS

/** A file that holds the same as another, compressed. */
export interface CompressedSibling {
  readonly path: string
  readonly coding: FileCoding
}

/**
 * The compressed sibling of a file that the client likes best. A symlink is none: it could lead anywhere (P26).
 *
 * @returns `undefined` when there is none, or when the client would rather have the file itself
 */
export async function findSibling(
  path: string,
  acceptEncoding: string | null,
): Promise<CompressedSibling | undefined> {
  const untried = new Set(Object.keys(EXTENSIONS) as FileCoding[])
  for (;;) {
    const coding = preferredEncoding(acceptEncoding, [...untried])
    if (coding === undefined || coding === 'identity') return undefined
    const sibling = path + EXTENSIONS[coding]
    if (await isPlainFile(sibling)) return { path: sibling, coding }
    untried.delete(coding)
  }
}
