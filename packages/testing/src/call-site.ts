/** Where this package's own code is, and that of its siblings: `…/packages/` or `…/node_modules/@allium/`. */
const SIBLINGS = toPath(new URL('../..', import.meta.url).href)
const OWN_CODE = /^(?:core|router|sessions|testing|ws)\/(?:dist|src)\/(?!test\/)/
const TEST_FILE = /\.test\.[jt]s\b/
/** What stands in a stack between a timer and whoever sets it. */
const MEANS =
  /node:(?:internal\/(?:timers|async_hooks)|timers)\b|^at new Promise |\/(?:app-resources|call-site|clock|virtual-clock)\.[jt]s:/
/** How many frames are shown. */
const SHOWN = 4
/** Deep enough to reach the application behind what Node and libraries do for it. */
const DEPTH = 40

/**
 * The place at which something was begun, in a test or in the application. Cheap to take: the text is made when somebody
 * reads it.
 */
export class CallSite {
  readonly #error: { readonly stack?: string | undefined }

  /** @param error whose stack begins there, or has it somewhere behind frames of Node and Allium */
  constructor(error: { readonly stack?: string | undefined }) {
    this.#error = error
  }

  /** Where the caller is. */
  static here(): CallSite {
    return new CallSite(new Error('here'))
  }

  /** As {@link CallSite.here}, from where many frames of Node may be in between. */
  static deep(): CallSite {
    const before = Error.stackTraceLimit
    Error.stackTraceLimit = DEPTH
    try {
      return new CallSite(new Error('here'))
    } finally {
      Error.stackTraceLimit = before
    }
  }

  /** The frames of whoever uses Allium, the innermost of its own code first; libraries only where there is nothing else. */
  get frames(): string[] {
    const frames = this.allFrames.filter(frame => !isOfNode(frame) && !isOfAllium(frame))
    const own = frames.findIndex(frame => !frame.includes('/node_modules/'))
    return frames.slice(Math.max(own, 0), Math.max(own, 0) + SHOWN)
  }

  /** Every frame, as `at function (file:line:column)`, the innermost first. */
  get allFrames(): string[] {
    const lines = (this.#error.stack ?? '').split('\n')
    return lines.map(line => line.trim()).filter(line => line.startsWith('at '))
  }

  /** Whether Node or Allium has set a timer, for itself or on behalf of somebody, and not whoever uses them. */
  get isOfFramework(): boolean {
    const setter = this.allFrames.find(frame => !MEANS.test(frame))
    return setter === undefined || isOfNode(setter) || isOfAllium(setter)
  }

  /** Lines for a report, `''` where nothing is known. */
  indented(by: string): string {
    return this.frames.map(frame => `\n${by}${frame}`).join('')
  }
}

/** Whether a frame is of what Node itself is written in, or of no file at all. */
export function isOfNode(frame: string): boolean {
  return frame.includes('node:') || frame.includes('<anonymous>)') || !/:\d+:\d+\)?$/.test(frame)
}

/** Whether a frame is of a package of Allium, its tests not counted. */
export function isOfAllium(frame: string): boolean {
  const path = toPath(frame.replace(/^at (?:.*\(|async )?/, '').replace(/:\d+:\d+\)?$/, ''))
  if (!path.startsWith(SIBLINGS)) return false
  return OWN_CODE.test(path.slice(SIBLINGS.length)) && !TEST_FILE.test(path)
}

function toPath(location: string): string {
  return decodeURI(location.replace(/^file:\/\//, ''))
}
