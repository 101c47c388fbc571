/** What goes on at the connections of a runner, and what has happened there since it was made. For metrics. */
export interface RunnerCounts {
  /** Connections that are open now. */
  readonly openConnections: number
  /** Requests whose head had arrived, those refused included. */
  readonly requests: number
  /** Requests and connections that were refused because they are not what HTTP or the limits ask for. */
  readonly refused: number
  /** Requests whose connection closed before their answer was complete. */
  readonly aborted: number
  /** Connections that were closed unread because there were `maxConnections` already. */
  readonly dropped: number
}
