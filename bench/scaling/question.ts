import type { Scenario } from '../scenario.ts'

/** What every server of the scaling benches is asked. */
export const QUESTION: Scenario = {
  title: 'GET of one route with a param',
  method: 'GET',
  path: '/area5/measured/4711/part',
  headers: {},
  body: undefined,
  answer: { type: 'text/plain', body: 'part of 4711' },
  base: 'allium',
  servers: [],
}
