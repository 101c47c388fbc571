import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { Deployment } from 'kubernetes-models/apps/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { Service } from 'kubernetes-models/v1'
import t from 'tap'
import type { Test } from 'tap'
import { parse } from 'yaml'

import { readSettings } from './settings.ts'

const main = fileURLToPath(new URL('main.js', import.meta.url))
const kinds = { deployment: Deployment, service: Service, 'disruption-budget': PodDisruptionBudget }
type Kind = new (data?: never) => { validate(): void }

const deployment = new Deployment(read('deployment'))
const pod = deployment.spec?.template.spec
const container = pod?.containers[0]

t.test('every manifest is what the API takes, without a field that it does not know', async t => {
  for (const [name, kind] of Object.entries(kinds)) t.same(mistakesIn(kind, read(name)), [], name)
})

t.test('a mistake in a manifest is found', async t => {
  t.match(mistakesIn(Deployment, deploymentWith({ lifecyle: {} })), [/containers\/0\/lifecyle$/])
  t.match(mistakesIn(Deployment, deploymentWith({ ports: [{ containerPort: 'http' }] })), [/must be integer/])
})

t.test('the grace period covers preStop, the time to stop, and the second after it', async t => {
  const { shutdownTimeout = NaN } = readSettings(environment())
  const preStop = container?.lifecycle?.preStop?.sleep?.seconds ?? NaN

  t.ok(preStop + shutdownTimeout / 1000 + 1 < (pod?.terminationGracePeriodSeconds ?? NaN))
})

t.test('selectors and ports lead to the pods', async t => {
  const service = new Service(read('service'))
  const budget = new PodDisruptionBudget(read('disruption-budget'))
  const labels = deployment.spec?.template.metadata?.labels

  t.same(service.spec?.selector, labels)
  t.same(budget.spec?.selector?.matchLabels, labels)
  t.same(deployment.spec?.selector.matchLabels, labels)
  t.equal(service.spec?.ports?.[0]?.targetPort, container?.ports?.[0]?.name)
  t.equal(container?.ports?.[0]?.containerPort, Number(environment()['PORT']))
})

t.test('every probe is answered, and the pod is not ready once it stops', async t => {
  const { url, child } = await start(t, { DRAIN_DELAY: '1000' })
  for (const probe of [container?.startupProbe, container?.livenessProbe, container?.readinessProbe]) {
    t.equal(probe?.httpGet?.port, container?.ports?.[0]?.name)
    t.equal((await fetch(new URL(probe?.httpGet?.path ?? '', url))).status, 200)
  }

  child.kill('SIGTERM')
  const ready = new URL(container?.readinessProbe?.httpGet?.path ?? '', url)
  let { status } = await fetch(ready)
  while (status === 200) ({ status } = await fetch(ready))

  t.equal(status, 503)
  t.same(await once(child, 'exit'), [0, null])
})

/** Starts the program with the environment of the container, on a free port of this machine. */
async function start(t: Test, more: Record<string, string>) {
  const env = { ...process.env, ...environment(), HOST: '127.0.0.1', PORT: '0', ...more }
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  child.stdout.resume()
  return { child, url: /http:\S+/.exec(line)?.[0] ?? '' }
}

function environment(): Record<string, string> {
  return Object.fromEntries((container?.env ?? []).map(({ name, value = '' }) => [name, value]))
}

function read(name: string): object {
  const file = fileURLToPath(new URL(`../kubernetes/${name}.yaml`, import.meta.url))
  return parse(readFileSync(file, 'utf8')) as object
}

/** The deployment with more in its container. */
function deploymentWith(more: object): object {
  const manifest = structuredClone(read('deployment')) as typeof deployment
  Object.assign(manifest.spec?.template.spec?.containers[0] ?? {}, more)
  return manifest
}

/** What the schema says, and the paths of fields that it does not know: it never looks at them. */
function mistakesIn(kind: Kind, manifest: object): string[] {
  const { value, unread } = watchReads(new kind(manifest as never))
  try {
    value.validate()
    return unread()
  } catch (error) {
    return [String(error)]
  }
}

/** Notes which fields are looked at. */
function watchReads<Value extends object>(value: Value) {
  const [present, seen] = [new Set<string>(), new Set<string>()]
  return {
    value: watch(value, '', present, seen),
    unread: () => [...present].filter(path => !seen.has(path)),
  }
}

function watch<Value extends object>(
  value: Value,
  path: string,
  present: Set<string>,
  seen: Set<string>,
): Value {
  for (const name of Object.keys(value)) present.add(`${path}/${name}`)
  return new Proxy(value, {
    get(target, name, receiver) {
      seen.add(`${path}/${String(name)}`)
      const found: unknown = Reflect.get(target, name, receiver)
      const isNested = typeof found === 'object' && found !== null
      return isNested ? watch(found, `${path}/${String(name)}`, present, seen) : found
    },
  })
}
