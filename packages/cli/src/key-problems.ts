import type { AppKey, Application } from '@allium/core'

/** What is wrong with the state of an application that has started, and of those mounted in it. */
export interface KeyReport {
  readonly problems: string[]
  /** How many keys are set in all. */
  readonly keys: number
}

/**
 * Looks at the keys of an application that has started. Two keys of one name are nearly always one module that was
 * loaded twice, and then one half of the program does not find what the other has set.
 */
export function findKeyProblems(app: Application, outer: readonly AppKey<unknown>[] = []): KeyReport {
  const own = app.state.keys()
  const visible = [...outer, ...own.filter(key => !outer.includes(key))]
  const problems = own.flatMap(key => problemsOf(key, app, visible))
  const inner = app.mounted.map(mounted => findKeyProblems(mounted, visible))
  return {
    problems: [...problems, ...inner.flatMap(report => report.problems)],
    keys: own.length + inner.reduce((sum, report) => sum + report.keys, 0),
  }
}

function problemsOf(key: AppKey<unknown>, app: Application, visible: readonly AppKey<unknown>[]): string[] {
  const where = `state key "${key.name}" of "${app.name}"`
  const problems = app.state.get(key) === undefined ? [`${where} is undefined`] : []
  const namesake = visible.slice(0, visible.indexOf(key)).some(({ name }) => name === key.name)
  if (namesake) problems.push(`${where} is one of two keys of that name: was its module loaded twice?`)
  return problems
}
