import { AppRunner } from '@allium/core'
import type { Application, AppRunnerOptions, Clock, ListenTarget } from '@allium/core'

import { outsideTests } from './outside-tests.ts'
import { startableApp } from './startable-app.ts'
import type { ApplicationSource } from './startable-app.ts'
import { toStateEntries } from './state-overrides.ts'
import type { StateOverrides } from './state-overrides.ts'
import { endHookOf } from './test-context.ts'
import type { TestContext } from './test-context.ts'

/** What a server can be given. */
export interface TestServerOptions<Values extends readonly unknown[] = readonly []> extends Pick<
  ListenTarget,
  'host' | 'port' | 'tls'
> {
  /** Pairs of key and value that replace what the application provides. */
  readonly state?: StateOverrides<Values> | undefined
  /** What time it is for the application; default: the machine's. */
  readonly clock?: Clock | undefined
  /** For the `AppRunner`, but that `shutdownTimeout` is 3000 ms by default. */
  readonly runner?: Omit<AppRunnerOptions, 'state' | 'clock'> | undefined
}

const SHUTDOWN_TIMEOUT = 3000

/**
 * An application that listens on a real port, for what is no client of this process: a browser, a tool, another language.
 * On loopback and a port of the system's choice unless told otherwise. Tests in this process need no port: see
 * {@link TestClient}.
 *
 * @example
 * ```ts
 * import { Application, text } from '@allium/core'
 * import { TestServer } from '@allium/testing'
 *
 * const app = new Application()
 * app.get('/', () => text('hello'))
 *
 * const server = await TestServer.start(app)
 * console.log(await (await fetch(server.url('/'))).text())
 * await server.close()
 * ```
 */
export class TestServer implements AsyncDisposable {
  /** The application, started. */
  readonly app: Application
  /** Scheme, host and port: `http://127.0.0.1:41234`. */
  readonly origin: string
  /** The address it listens on. */
  readonly host: string
  /** The port it listens on. */
  readonly port: number
  readonly #runner: AppRunner

  /** @internal Made by {@link TestServer.start}. */
  constructor(app: Application, runner: AppRunner) {
    const address = runner.addresses[0]!
    this.app = app
    this.#runner = runner
    this.origin = address.url
    this.host = address.host
    this.port = address.port
  }

  /**
   * Starts the application and listens.
   *
   * @throws whatever the startup of the application throws
   * @throws Error in one line when the address is taken or may not be used
   */
  static start<Values extends readonly unknown[] | [] = readonly []>(
    source: ApplicationSource,
    options: TestServerOptions<Values> = {},
  ): Promise<TestServer> {
    return outsideTests(() => TestServer.#start(source, options))
  }

  static async #start(
    source: ApplicationSource,
    options: TestServerOptions<readonly unknown[]>,
  ): Promise<TestServer> {
    const { host = '127.0.0.1', port = 0, tls, clock, state } = options
    const app = await startableApp(source)
    const runner = new AppRunner(app, {
      shutdownTimeout: SHUTDOWN_TIMEOUT,
      ...options.runner,
      clock,
      state: toStateEntries(state),
    })
    await runner.startup()
    try {
      await runner.listen({ host, port, tls })
    } catch (error) {
      await runner.stop()
      throw error
    }
    return new TestServer(app, runner)
  }

  /**
   * The whole address of a path.
   *
   * @throws TypeError for what is no path
   */
  url(path: string): string {
    if (!path.startsWith('/')) throw new TypeError(`Cannot link to "${path}": a path begins with "/"`)
    return this.origin + path
  }

  /**
   * Stops the application and cleans it up; connections that are idle are closed at once. Calling it again gives the same
   * result.
   *
   * @throws what clean-ups throw
   * @throws Error when a handler or a clean-up is still running after `shutdownTimeout`
   */
  async close(): Promise<void> {
    await outsideTests(() => this.#runner.stop({ idleGrace: 0 }))
    if (this.#runner.wasForced) {
      throw new Error(
        'The application did not stop within its shutdownTimeout: a handler or a clean-up is still running',
      )
    }
  }

  /** As {@link TestServer.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * As {@link TestServer.start}, and stops the server when the test is over.
 *
 * @param t the test, or anything with `after`, `teardown` or `onTestFinished`
 */
export async function testServer<Values extends readonly unknown[] | [] = readonly []>(
  t: TestContext,
  app: ApplicationSource,
  options?: TestServerOptions<Values> | undefined,
): Promise<TestServer> {
  const atEnd = endHookOf(t)
  const server = await TestServer.start(app, options)
  atEnd(() => server.close())
  return server
}
