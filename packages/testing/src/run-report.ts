import type { LayerRun, RequestRun } from './run-log.ts'

/** The route that a request matched, for a report. */
export function routeOf({ request }: RequestRun): string {
  const { route } = request
  return route ? `route ${route.method} ${route.path}` : 'no route'
}

/**
 * What each layer does, or has done, one line each.
 *
 * @param now in milliseconds since the request arrived
 */
export function describeLayers(run: RequestRun, now: number): string[] {
  return run.layers.map((each, index, all) => `${nameOf(each, index)} ${stateOf(each, all[index + 1], now)}`)
}

/** How far an answer is that has left every layer; `undefined` for one that has not. */
export function describeBody(run: RequestRun, now: number): string | undefined {
  const { layers, openBodies, finishedAt } = run
  if (layers.some(({ leftAt }) => leftAt === undefined)) return undefined
  if (openBodies > 0) return 'the source of its body has not let go, although nobody reads it any more'
  const left = layers[0]?.leftAt
  if (finishedAt !== undefined || left === undefined) return undefined
  return `every layer has answered, but the answer has not ended for ${milliseconds(now - left)}`
}

/** With a precision that is of use. */
export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

function nameOf({ layer }: LayerRun, index: number): string {
  return layer.kind === 'handler' ? `handler "${layer.name}"` : `middleware ${index + 1} "${layer.name}"`
}

function stateOf(
  { layer, enteredAt, leftAt, error }: LayerRun,
  inner: LayerRun | undefined,
  now: number,
): string {
  if (leftAt !== undefined) {
    const verb = error === undefined ? 'answered' : 'threw'
    return `${verb} after ${milliseconds(leftAt - enteredAt)}`
  }
  if (layer.kind === 'handler') return `has not answered for ${milliseconds(now - enteredAt)}`
  if (!inner) return `has not called next() for ${milliseconds(now - enteredAt)}`
  if (inner.leftAt === undefined) return `waits for next() since ${milliseconds(now - inner.enteredAt)}`
  return `has not gone on for ${milliseconds(now - inner.leftAt)}, since next() answered`
}
