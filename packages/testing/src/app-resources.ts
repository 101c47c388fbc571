import { AsyncLocalStorage, createHook, executionAsyncId } from 'node:async_hooks'
import type { HookCallbacks } from 'node:async_hooks'
import { isIP } from 'node:net'
// Bound at import: fake timers do not know the time of the event loop.
import { clearTimeout, setTimeout } from 'node:timers'

import { isIdleCallback } from '@allium/core/testing'

import { CallSite } from './call-site.ts'
import { realNow } from './real-time.ts'

/** What an application holds of the process: whose absence is due when it is closed. */
export type ResourceKind = 'timers' | 'sockets' | 'handles'

interface ResourceType {
  readonly kind: ResourceKind
  /** As reports call it. */
  readonly name: string
}

/** Something that an application has made. */
export interface AppResource extends ResourceType {
  /** In the words of Node: `Timeout`, `TCPWRAP`. */
  readonly type: string
  readonly site: CallSite
}

/** What Node gives a hook along with the type: what of it tells whether it is still there. */
interface HookedResource {
  /** Of handles: whether the process waits for it; `undefined` once it is closed. */
  readonly hasRef?: () => boolean | undefined
  /** Of timers. */
  readonly _destroyed?: boolean
  readonly _onTimeout?: (() => void) | null
  readonly _idleStart?: number
  readonly _idleTimeout?: number
  /** Of files. */
  readonly fd?: number
}

interface Entry extends AppResource {
  readonly raw: HookedResource
}

const TYPES: ReadonlyMap<string, ResourceType> = new Map<string, ResourceType>([
  ['Timeout', { kind: 'timers', name: 'a timer' }],
  ['TCPWRAP', { kind: 'sockets', name: 'a TCP socket' }],
  ['PIPEWRAP', { kind: 'sockets', name: 'a pipe, or unix socket' }],
  ['UDPWRAP', { kind: 'sockets', name: 'a UDP socket' }],
  ['TCPSERVERWRAP', { kind: 'handles', name: 'a TCP server' }],
  ['PIPESERVERWRAP', { kind: 'handles', name: 'a server on a pipe or unix socket' }],
  ['FSEVENTWRAP', { kind: 'handles', name: 'a file watcher' }],
  ['STATWATCHER', { kind: 'handles', name: 'a file watcher' }],
  ['PROCESSWRAP', { kind: 'handles', name: 'a child process' }],
  ['WORKER', { kind: 'handles', name: 'a worker thread' }],
  ['MESSAGEPORT', { kind: 'handles', name: 'a message port' }],
  ['TTYWRAP', { kind: 'handles', name: 'a terminal' }],
])
/** What may bring an application news by itself, unlike a server or a file that is open. */
const TALKATIVE: ReadonlySet<string> = new Set([
  'TCPWRAP',
  'PIPEWRAP',
  'UDPWRAP',
  'PROCESSWRAP',
  'WORKER',
  'MESSAGEPORT',
])
/** Where sockets set the timers of their idle time: nowhere in an application. */
const OF_SOCKETS = new CallSite({})
/** How many entries are kept before those that are over are dropped. */
const MANY = 1000

const owners = new AsyncLocalStorage<AppResources | undefined>()
// Without `destroy`, for which Node would watch every promise: that costs a third of the speed of a request.
const callbacks = {
  trackPromises: false, // as far as Node knows how, from 24.14 on: an eighth of a request
  init(asyncId, type, triggerAsyncId, resource) {
    if (type === 'PROMISE') return
    const known = TYPES.get(type)
    if (known) owners.getStore()?.add({ asyncId, type, triggerAsyncId, ...known, resource })
    else if (THREAD_WORK.test(type)) owners.getStore()?.addThreadWork(asyncId, resource)
    else if (type === 'FSREQPROMISE') void owners.getStore()?.addFileWork(resource)
    else if (type === 'GETADDRINFOREQWRAP' || (type === 'TickObject' && tellsAddress(resource))) {
      owners.getStore()?.addLookup(asyncId)
    }
  },
} satisfies HookCallbacks & { readonly trackPromises: boolean }
const hook = createHook(callbacks)
// Costs something, so it is for applications that hash, encrypt or derive keys on other threads.
const completions = createHook({
  before(asyncId) {
    threadWork.delete(asyncId)
  },
})
const THREAD_WORK =
  /^(?:CHECKPRIME|CIPHER|DERIVEBITS|HASH|HKDF|KEYEXPORT|KEYGEN|KEYPAIRGEN|PBKDF2|RANDOMBYTES|RANDOMPRIME|SCRYPT|SIGN|VERIFY)REQUEST$/
const threadWork = new Map<number, AppResources>()
let watched = 0

interface MadeResource extends ResourceType {
  readonly asyncId: number
  readonly type: string
  readonly triggerAsyncId: number
  readonly resource: object
}

/** The application that runs at the moment, if it is one that is watched. */
export function currentOwner(): AppResources | undefined {
  return owners.getStore()
}

/** Runs the function as part of none of them. */
export function outsideApplications<Value>(fn: () => Value): Value {
  return owners.run(undefined, fn)
}

/**
 * The timers, sockets and handles that an application makes, its libraries included: whatever comes into being in the
 * asynchronous context of its startup and of its requests.
 */
export class AppResources {
  #entries: Entry[] = []
  readonly #servers = new Set<number>()
  readonly #lookups = new Map<number, CallSite>()
  #fileWork = 0
  #isWatching = false

  /** Watches from now on, until {@link AppResources.stop}. */
  watch(): void {
    this.#isWatching = true
    if (watched++ === 0) hook.enable()
  }

  stop(): void {
    if (!this.#isWatching) return
    this.#isWatching = false
    if (--watched > 0) return
    hook.disable()
    completions.disable()
    threadWork.clear()
  }

  /** Runs the function as part of the application. */
  run<Value>(fn: () => Value): Value {
    return owners.run(this, fn)
  }

  /** Runs the function without regard to what it makes at once: that is the server's. */
  apart<Value>(fn: () => Value): Value {
    const wasWatching = this.#isWatching
    this.#isWatching = false
    try {
      return fn()
    } finally {
      this.#isWatching = wasWatching
    }
  }

  /** @internal For the hook. */
  add({ asyncId, type, triggerAsyncId, kind, name, resource }: MadeResource): void {
    if (!this.#isWatching) return
    if (type.endsWith('SERVERWRAP')) this.#servers.add(asyncId)
    if (this.#servers.has(triggerAsyncId)) return // a connection to a server is the server's
    const raw: HookedResource = resource
    this.#push({ type, kind, name, raw, site: this.#siteOf(raw) })
  }

  #siteOf({ _onTimeout }: HookedResource): CallSite {
    // A socket in memory sets one after each request: its site, which nobody is shown, would cost half as much as the request.
    if (_onTimeout && isIdleCallback(_onTimeout)) return OF_SOCKETS
    return this.#lookups.get(executionAsyncId()) ?? CallSite.deep()
  }

  /** @internal For the hook: a host is looked up, and what is made when its address is known was begun here. */
  addLookup(asyncId: number): void {
    if (this.#lookups.size > MANY) this.#lookups.clear()
    this.#lookups.set(asyncId, CallSite.deep())
  }

  /** @internal For the hook: work on a file, of which a handle may come. */
  async addFileWork(work: { readonly promise?: Promise<unknown> }): Promise<void> {
    if (!this.#isWatching) return
    const site = CallSite.deep()
    this.#fileWork++
    await Promise.resolve() // the promise is put there in a moment
    const result: HookedResource | undefined = await work.promise?.then(toHandle, () => undefined)
    this.#fileWork--
    if (result) this.#push({ type: 'FILEHANDLE', kind: 'handles', name: 'an open file', raw: result, site })
  }

  /** @internal For the hook: work of `node:crypto`, which may have been done when it returned. */
  addThreadWork(asyncId: number, work: { readonly ondone?: unknown }): void {
    if (!this.#isWatching) return
    completions.enable()
    threadWork.set(asyncId, this)
    queueMicrotask(() => work.ondone ?? threadWork.delete(asyncId))
  }

  #push(made: Entry): void {
    this.#entries.push(made)
    if (this.#entries.length > MANY) this.#prune()
  }

  /** What is made until now belongs to the server, and not to the application, unless the application's own code made it. */
  forgetServer(): void {
    this.#entries = this.#entries.filter(({ site }) => site.frames.length > 0)
  }

  /** What is still there and was to be cleaned up: it keeps the process alive, or would still go off in it. */
  get left(): AppResource[] {
    this.#prune()
    return this.#entries.filter(isLeft)
  }

  /** When the next timer goes off at the earliest, as {@link realNow} counts; `Infinity` when there is none. */
  get nextTimer(): number {
    this.#prune()
    const timers = this.#entries.filter(({ kind }) => kind === 'timers')
    if (timers.length === 0) return Infinity
    const now = loopTime()
    return realNow() + Math.min(...timers.map(({ raw }) => timeLeft(raw, now)))
  }

  /** Another number whenever a timer has gone off, was set, or was cleared. */
  get timersState(): number {
    this.#prune()
    let state = this.#entries.length
    for (const { raw } of this.#entries) state += (raw._idleStart ?? 0) + (raw._idleTimeout ?? 0)
    return state
  }

  /** How many timers there are for which the process waits. */
  get awaitedTimers(): number {
    return this.#entries.filter(({ kind, raw }) => kind === 'timers' && isThere(raw) && raw.hasRef?.()).length
  }

  /** Whether anything is open or under way that may bring news: a database, another process, a file. */
  get isListening(): boolean {
    if (this.#fileWork > 0 || [...threadWork.values()].includes(this)) return true
    return this.#entries.some(({ type, raw }) => TALKATIVE.has(type) && mayTalk(type, raw))
  }

  #prune(): void {
    this.#entries = this.#entries.filter(({ raw }) => isThere(raw))
  }
}

/** Whether a tick hands on what a host is that was an address already: `dns.lookup` does so at once. */
function tellsAddress({ args }: { readonly args?: readonly unknown[] | undefined }): boolean {
  const told = args?.[1]
  if (typeof told !== 'string' && !Array.isArray(told)) return false // as nearly all ticks
  const addresses = typeof told === 'string' ? [told] : told.map(addressOf)
  return addresses.some(address => typeof address === 'string' && isIP(address) > 0)
}

function addressOf(answer: unknown): unknown {
  return (answer as { readonly address?: unknown } | null | undefined)?.address
}

/** A handle of an opened file, among the results of work on files. */
function toHandle(result: unknown): HookedResource | undefined {
  return isHandle(result) ? result : undefined
}

function isHandle(result: unknown): result is { readonly fd: number } {
  return typeof result === 'object' && result !== null && 'fd' in result && typeof result.fd === 'number'
}

function isThere(raw: HookedResource): boolean {
  if (raw._destroyed !== undefined) return !raw._destroyed
  if (raw.hasRef) return raw.hasRef() !== undefined
  return raw.fd === undefined || raw.fd >= 0
}

/** A socket that nobody waits for may bring news all the same; workers and ports come with such that never do. */
function mayTalk(type: string, raw: HookedResource): boolean {
  return type === 'WORKER' || type === 'MESSAGEPORT' ? raw.hasRef?.() === true : isThere(raw)
}

function isLeft({ kind, raw, site }: Entry): boolean {
  if (site.frames.length === 0) return false // Node's own, or Allium's
  if (kind === 'timers') return !site.isOfFramework
  return raw.hasRef ? raw.hasRef() === true : true
}

/** In real milliseconds from now on, by the clock of the event loop, which Node's timers go by. */
function timeLeft({ _idleStart = 0, _idleTimeout = 0 }: HookedResource, loopNow: number): number {
  return Math.max(_idleStart + _idleTimeout - loopNow, 0)
}

/** What the event loop takes for the time: a timer is told when it is set. */
function loopTime(): number {
  const timer: NodeJS.Timeout & HookedResource = outsideApplications(() => setTimeout(() => undefined, 1))
  clearTimeout(timer)
  return timer._idleStart ?? 0
}
