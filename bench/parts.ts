/** One of the benches, as it is run among all of them. */
export interface Part {
  readonly title: string
  /** Its script in `package.json`. */
  readonly command: string
  /** Its compiled module, from here. */
  readonly script: string
  /** How many rounds it makes of so many; default: all, which is too long for some. */
  readonly toRounds?: (rounds: number) => number
  /** What it is given besides when there is little time. */
  readonly quick?: readonly string[]
  /** What it takes on a machine that has other work too, in seconds. */
  readonly seconds: { readonly quick: number; readonly full: number }
}

/** Rounds that count, and those that tell the order of magnitude. */
export const ROUNDS = { quick: 2, full: 7 }

/** All benches, in the order in which they are run. */
export const parts: readonly Part[] = [
  { title: 'Comparison', command: 'bench', script: 'run.js', seconds: { quick: 380, full: 955 } },
  {
    title: 'Scaling',
    command: 'bench:scaling',
    script: 'scaling/run.js',
    seconds: { quick: 190, full: 450 },
  },
  {
    title: 'Fan-out',
    command: 'bench:fan-out',
    script: 'fan-out/run.js',
    toRounds: rounds => Math.ceil(rounds / 2),
    seconds: { quick: 55, full: 110 },
  },
  {
    title: 'Sessions',
    command: 'bench:sessions',
    script: 'sessions/run.js',
    seconds: { quick: 36, full: 75 },
  },
  { title: 'Start', command: 'bench:start', script: 'start/run.js', seconds: { quick: 20, full: 45 } },
  {
    title: 'Types',
    command: 'bench:types',
    script: 'types/run.js',
    toRounds: rounds => Math.ceil(rounds / 3),
    seconds: { quick: 65, full: 195 },
  },
  {
    title: 'Test clients',
    command: 'bench:testing',
    script: 'in-memory.js',
    quick: ['--warm-up', '1500'],
    seconds: { quick: 85, full: 185 },
  },
  {
    title: 'WebSockets',
    command: 'bench:websockets',
    script: 'websockets.js',
    toRounds: rounds => Math.min(rounds, 5),
    quick: ['--sockets', '2000'],
    seconds: { quick: 50, full: 240 },
  },
]

/** How long a part may take with so many rounds, in seconds. */
export function secondsOf({ seconds: { quick, full } }: Part, rounds: number): number {
  const perRound = (full - quick) / (ROUNDS.full - ROUNDS.quick)
  return quick + perRound * Math.max(0, rounds - ROUNDS.quick)
}

/** What a part is started with for so many rounds. */
export function parametersOf({ toRounds, quick = [] }: Part, rounds: number): readonly string[] {
  return ['--rounds', String(toRounds?.(rounds) ?? rounds), ...(rounds > ROUNDS.quick ? [] : quick)]
}
