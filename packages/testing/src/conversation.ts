import type { CallSite } from './call-site.ts'
import { ExchangeRecord } from './exchange-record.ts'
import type { RequestRun, RunLog } from './run-log.ts'

/** How many requests are remembered. */
const REMEMBERED = 100

/** What clients and application have said to each other lately. */
export class Conversation {
  readonly #log: RunLog
  readonly #records: ExchangeRecord[] = []

  constructor(log: RunLog) {
    this.#log = log
  }

  /** A request is about to be sent. */
  begin(method: string, path: string, site: CallSite): ExchangeRecord {
    const record = new ExchangeRecord(method, path, site)
    this.#records.push(record)
    if (this.#records.length > REMEMBERED) this.#records.shift()
    return record
  }

  /** The requests of the clients, oldest first. */
  get records(): readonly ExchangeRecord[] {
    return this.#records
  }

  /** What the application has done with a request; `undefined` when it has not arrived. */
  runOf(record: ExchangeRecord): RequestRun | undefined {
    return (record.run ??= this.#find(record))
  }

  /** The request of a client that led to a run; `undefined` for one of an agent, or of bytes. */
  recordOf(run: RequestRun): ExchangeRecord | undefined {
    return this.#records.find(record => this.runOf(record) === run)
  }

  #find({ method, path, port, sentAt }: ExchangeRecord): RequestRun | undefined {
    const taken = new Set(this.#records.map(({ run }) => run))
    return this.#log.recent.find(run => {
      const { request, clientPort, arrivedAt } = run
      const isSame = request.method === method && request.raw.url === path && arrivedAt >= sentAt
      return isSame && (port ?? clientPort) === clientPort && !taken.has(run)
    })
  }
}
