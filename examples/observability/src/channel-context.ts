import { AsyncLocalStorage } from 'node:async_hooks'

import { ROOT_CONTEXT } from '@opentelemetry/api'
import type { Context, ContextManager } from '@opentelemetry/api'

/** OpenTelemetry's current context, in a store that diagnostics channels can bind: so it follows each request. */
export class ChannelContextManager implements ContextManager {
  readonly store: AsyncLocalStorage<Context> = new AsyncLocalStorage()

  active(): Context {
    return this.store.getStore() ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.store.run(context, () => fn.call(thisArg, ...args))
  }

  bind<T>(context: Context, target: T): T {
    if (typeof target !== 'function') return target
    const call = target as (...args: unknown[]) => unknown
    return ((...args: unknown[]) => this.store.run(context, () => call(...args))) as T
  }

  enable(): this {
    return this
  }

  disable(): this {
    this.store.disable()
    return this
  }
}
