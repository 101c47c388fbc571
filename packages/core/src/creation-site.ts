import { fileURLToPath } from 'node:url'

/** Where something was made: its stack is only written out when it is asked for, which is what costs. */
export interface CreationSite {
  readonly stack?: string
}

/** The folders of this package, as written and as compiled: what it makes by itself is nobody's mistake. */
const OWN = fileURLToPath(new URL('.', import.meta.url)).replaceAll('\\', '/')
const OWN_FOLDERS = [OWN, OWN.replace(/\/dist\/$/, '/src/')]

/** @param below the function whose own frame, and those above it, are left out */
export function createdHere(below: (...args: never[]) => unknown): CreationSite {
  const site: CreationSite = {}
  Error.captureStackTrace(site, below)
  return site
}

/** The frames that are of the program and its libraries, in one line: without Node's, without those of this package. */
export function programFrames(site: CreationSite): string {
  const frames = framesOf(site).filter(frame => !isForeign(frame) || frame.includes('/node_modules/'))
  return frames.map(frame => frame.trim()).join(', ')
}

/** Whether the program itself has made it, rather than a library that it calls, or Node. */
export function isMadeByProgram(site: CreationSite): boolean {
  const [first] = framesOf(site)
  return first !== undefined && !isForeign(first)
}

/** Without what tells of every promise alike: Node's own hooks, `new Promise`, `Promise.all`. */
function framesOf({ stack = '' }: CreationSite): string[] {
  const frames = stack.split('\n').slice(1)
  const first = frames.findIndex(
    frame => !/node:internal\/(?:async|promise)_hooks|\(<anonymous>\)$/.test(frame),
  )
  return first < 0 ? [] : frames.slice(first)
}

function isForeign(frame: string): boolean {
  const place = frame
    .replaceAll('\\', '/')
    .replace(/^.*?\(?(?:file:\/\/)?(\/[^()]*|[A-Za-z]:\/[^()]*)\)?$/, '$1')
  if (/\bnode:|\(<anonymous>\)$|\/node_modules\//.test(frame.replaceAll('\\', '/'))) return true
  return OWN_FOLDERS.some(
    folder =>
      place.startsWith(folder) && /^(?:middlewares\/)?[\w-]+\.[jt]s\b/.test(place.slice(folder.length)),
  )
}
