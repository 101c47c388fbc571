/** A function, and how much of what was sampled was its own. */
export interface Frame {
  readonly name: string
  /** Empty for what is not JavaScript. */
  readonly url: string
  readonly weight: number
}

/** Functions that are called from several places, each once. */
export function mergeFrames(frames: Iterable<Frame>): Frame[] {
  const merged = new Map<string, Frame>()
  for (const frame of frames) {
    const key = `${frame.name} ${frame.url}`
    merged.set(key, { ...frame, weight: frame.weight + (merged.get(key)?.weight ?? 0) })
  }
  return [...merged.values()].filter(({ weight }) => weight > 0)
}

/** The part of the program that a function belongs to: a module of Allium or of Node, a dependency as a whole. */
export function moduleOf({ name, url }: Pick<Frame, 'name' | 'url'>): string {
  if (name === '(garbage collector)') return 'garbage collection'
  if (url === '') return name === '(program)' ? 'outside of functions' : 'built-in functions'
  if (url.startsWith('node:')) return url
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)
  if (dependency) return dependency[1]!
  const own = /\/packages\/([^/]+)\/dist\/(.*)\.js$/.exec(url)
  if (own) return `@allium/${own[1]}: ${own[2]}`
  return 'the server of the bench'
}
