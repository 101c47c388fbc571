/** The process of one client: runs what the parent asks for, and tells what that has cost. */
import { scenarios } from './scenarios.ts'
import type { StartedSubject } from './subject.ts'

/** What a burst has cost, in microseconds for each run. */
export interface Burst {
  readonly wall: number
  readonly cpu: number
}

/** For how long to run: what is over first ends it. */
export interface BurstOptions {
  readonly runs: number
  /** Of the processor, in milliseconds: on a busy machine the clock on the wall tells about its neighbours. */
  readonly milliseconds: number
}

/** Fewer runs at once tell the clock from the work; more keep the event loop from turning. */
const BATCH = 10

const [title, name] = process.argv.slice(2)
const scenario = scenarios.find(each => each.title === title)!
const subject = await scenario.subjects.find(each => each.name === name)!.start()
process.on(
  'message',
  options => void burst(subject, options as BurstOptions).then(cost => process.send!(cost)),
)
process.on('disconnect', () => void subject.stop().then(() => process.exit()))
const answer = await subject.run()
if (answer !== scenario.answer) throw new Error(`${name} gives ${JSON.stringify(answer)}`)
process.send!('ready')

/** One after another. */
async function burst(subject: StartedSubject, { runs, milliseconds }: BurstOptions): Promise<Burst> {
  const start = performance.now()
  const before = process.cpuUsage()
  const spent = () => {
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  let done = 0
  while (done < runs && spent() < milliseconds * 1000) {
    for (let n = 0; n < BATCH; n++) await subject.run()
    done += BATCH
  }
  return { wall: ((performance.now() - start) * 1000) / done, cpu: spent() / done }
}
