/** What is measured in one scenario: one client with the server that it is made for. */
export interface Subject {
  readonly name: string
  /** Makes ready what does not count. */
  start(): Promise<StartedSubject>
}

/** A subject that is ready. */
export interface StartedSubject {
  /** One request, or one cycle; resolves to what came back. */
  run(): Promise<string>
  stop(): Promise<void>
}

/** Subjects that are to give the same answer. */
export interface InMemoryScenario {
  readonly title: string
  readonly answer: string
  /** The name of the subject that the others are divided by. */
  readonly base: string
  readonly subjects: readonly Subject[]
}

/** A subject that has nothing to make ready. */
export function subject(name: string, run: () => Promise<string>): Subject {
  return { name, start: async () => ({ run, stop: async () => {} }) }
}
