import type { AccessEntry, Application, AppRunner } from '@allium/core'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** What Prometheus is told of one application: all of it hangs on a registry of its own. */
export class AppMetrics {
  readonly registry = new Registry()
  readonly #durations: Histogram<'method' | 'route' | 'status'>
  readonly #aborted: Counter<'route'>

  constructor() {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    this.#durations = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'How long answers took, by route',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    })
    this.#aborted = new Counter({
      name: 'http_requests_aborted_total',
      help: 'Clients that left before they had the whole answer',
      labelNames: ['route'],
      registers,
    })
  }

  /** An access log: it is told of every request, those included that never reached a handler. */
  readonly record = ({ method, route, status, duration, aborted }: AccessEntry): void => {
    // The pattern, not the path: clients can make endlessly many paths, and each would be a series of its own.
    const label = route ?? 'none'
    this.#durations.observe({ method, route: label, status }, duration / 1000)
    if (aborted) this.#aborted.inc({ route: label })
  }

  /** Counts what goes on at the connections, and in the background. */
  watch(app: Application, runner: AppRunner): void {
    this.#count('http_connections_open', 'Open connections', () => runner.counts.openConnections)
    this.#count('http_requests_refused', 'What was refused before it was routed', () => runner.counts.refused)
    this.#count('http_connections_dropped', 'Connections beyond maxConnections', () => runner.counts.dropped)
    this.#count('tasks_running', 'Background tasks that run', () => app.tasks.running.length)
    this.#count('tasks_pending', 'Background tasks that wait for their turn', () => app.tasks.pending.length)
    this.#count('tasks_failed', 'Background tasks that have failed', () => app.tasks.failed)
  }

  #count(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }
}
