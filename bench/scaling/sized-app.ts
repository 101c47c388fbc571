/** What a server of the scaling benches is made with; it comes to it in its environment. */
export interface Size {
  /** Routes besides the one that is asked for. */
  readonly routes: number
  /** Async middlewares that every request goes through. */
  readonly middlewares: number
}

/** What the environment of a server says. */
export function toEnv({ routes, middlewares }: Size): Record<string, string> {
  return { BENCH_ROUTES: String(routes), BENCH_MIDDLEWARES: String(middlewares) }
}

/** The size that this process was started with. */
export function readSize(): Size {
  const { BENCH_ROUTES = '0', BENCH_MIDDLEWARES = '0' } = process.env
  return { routes: Number(BENCH_ROUTES), middlewares: Number(BENCH_MIDDLEWARES) }
}

/** Paths that look like those of an API of many resources. */
export function otherPaths({ routes }: Size): string[] {
  return Array.from({ length: routes }, (_, i) => `/area${i % 10}/resource${i}/:id/part${i % 7}`)
}

/** The route that is asked for. */
export const PATH = '/area5/measured/:id/part'
