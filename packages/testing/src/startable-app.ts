import type { Application } from '@allium/core'

/** An application, or a function that makes one. */
export type ApplicationSource = Application | (() => Application | Promise<Application>)

/**
 * The application that is to be started.
 *
 * @throws TypeError for what is neither
 */
export async function startableApp(source: ApplicationSource): Promise<Application> {
  const app = typeof source === 'function' ? await source() : source
  assertApplication(app)
  return app
}

/** By its members: another realm, as Jest makes them, has a class of its own. */
function assertApplication(app: Partial<Application> | null | undefined): void {
  if (typeof app?.startup === 'function' && typeof app.cleanup === 'function') return
  throw new TypeError(
    'Cannot start a test client: neither an Application nor a function that returns one was given',
  )
}
