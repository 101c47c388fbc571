import type { RunObserver } from './run-observer.ts'

/** One observer of two, either of which may be missing. */
export function bothObservers(
  one: RunObserver | undefined,
  other: RunObserver | undefined,
): RunObserver | undefined {
  if (!one || !other) return one ?? other
  return {
    began(request) {
      one.began(request)
      other.began(request)
    },
    entered(request, layer) {
      one.entered(request, layer)
      other.entered(request, layer)
    },
    left(request, layer, error) {
      one.left(request, layer, error)
      other.left(request, layer, error)
    },
    finished(request, response) {
      one.finished(request, response)
      other.finished(request, response)
    },
    failed(request, error) {
      one.failed?.(request, error)
      other.failed?.(request, error)
    },
    givenUp(request, released) {
      one.givenUp?.(request, released)
      other.givenUp?.(request, released)
    },
  }
}
