/**
 * Runs the steps of the example's Dockerfile without Docker: every stage is a folder, and a path from `/` is one in it. What
 * comes out is served, asked for its health and stopped, as a container is.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Cmd, Copy, DockerfileParser, Env, From, Healthcheck, Workdir } from 'dockerfile-ast'
import type { Instruction } from 'dockerfile-ast'
import { runOrThrow } from './run.ts'
import { createTemporaryFolder, packAll } from './tarballs.ts'
import { readPackages, root } from './workspace.ts'

const example = join(root, 'examples/deploy')
const folder = createTemporaryFolder()
const context = join(folder, 'context/app') // as deep as /app in a stage, for the paths of the tarballs in the lock file

/** A stage of the build, or in the end the container. */
interface Stage {
  readonly root: string
  readonly env: Record<string, string>
  workdir: string
  command: readonly string[]
  health: readonly string[]
}

const stages = new Map<string, Stage>()
let stage: Stage | undefined
await createContext()
const dockerfile = DockerfileParser.parse(readFileSync(join(example, 'Dockerfile'), 'utf8'))
for (const instruction of dockerfile.getInstructions()) await execute(instruction)
await serve(stage)
rmSync(folder, { recursive: true })
console.log(`${stages.size} stages of the Dockerfile build; what comes out serves, is healthy, and stops`)

/** The project as a user has it, but with the packages of this repository in place of published ones. */
async function createContext(): Promise<void> {
  const tarballs = join(folder, 'tarballs')
  mkdirSync(tarballs)
  cpSync(example, context, {
    recursive: true,
    filter: path => !['node_modules', 'dist', '.dockerignore'].includes(basename(path)),
  })
  rmSync(join(context, 'src'), { recursive: true })
  for (const name of ['app', 'main', 'settings'])
    cpSync(join(example, `src/${name}.ts`), join(context, `src/${name}.ts`), { recursive: true })
  await packAll(tarballs)
  write('package.json', manifest())
  write('tsconfig.json', { compilerOptions: compilerOptions(), include: ['src'] })
  await runOrThrow('npm', ['install', '--package-lock-only', '--no-audit', '--no-fund', '--prefer-offline'], {
    cwd: context,
  })
}

function manifest(): object {
  const wanted = ['@allium/core', '@allium/router']
  const units = readPackages().filter(unit => wanted.includes(unit.manifest.name))
  const { scripts } = JSON.parse(readFileSync(join(example, 'package.json'), 'utf8')) as { scripts: object }
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const tools = ['typescript', '@types/node'].map(name => [name, devDependencies[name]])
  const packed = units.map(({ manifest: { name, version } }) => [
    name,
    `file:../../tarballs/${name.slice(1).replace('/', '-')}-${version}.tgz`,
  ])
  return {
    name: 'deploy',
    private: true,
    type: 'module',
    scripts,
    dependencies: Object.fromEntries(packed) as object,
    devDependencies: Object.fromEntries(tools) as object,
  }
}

function compilerOptions(): object {
  const base = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8')) as {
    compilerOptions: object
  }
  return {
    ...base.compilerOptions,
    rootDir: 'src',
    outDir: 'dist',
    composite: false,
    incremental: false,
    isolatedDeclarations: false,
  }
}

function write(name: string, content: object): void {
  writeFileSync(join(context, name), JSON.stringify(content, undefined, 2))
}

async function execute(instruction: Instruction): Promise<void> {
  if (instruction instanceof From) return begin(instruction)
  if (!stage) throw new Error(`Cannot run line ${instruction.getRange().start.line + 1}: no stage has begun`)
  if (instruction instanceof Workdir) stage.workdir = within(stage, instruction.getPath() ?? '')
  else if (instruction instanceof Copy) copy(stage, instruction)
  else if (instruction instanceof Env) setVariables(stage, instruction)
  else if (instruction instanceof Healthcheck) stage.health = wordsOf(instruction)
  else if (instruction instanceof Cmd) stage.command = wordsOf(instruction)
  else if (instruction.getKeyword() === 'RUN') await runStep(stage, instruction)
  else if (!['USER', 'EXPOSE'].includes(instruction.getKeyword()))
    throw new Error(`Cannot run ${instruction.getKeyword()}: nobody has said what it does here`)
}

function begin(from: From): void {
  const name = from.getBuildStage() ?? 'final'
  if (!/^node:\d+/.test(from.getImage() ?? '')) throw new Error(`Cannot begin with ${from.getImage()}`)
  stage = { root: join(folder, name), env: {}, workdir: '', command: [], health: [] }
  stages.set(name, stage)
}

function copy(stage: Stage, instruction: Copy): void {
  const words = instruction.getArguments().map(argument => argument.getValue())
  const target = within(stage, words.pop() ?? '')
  const from = instruction.getFromFlag()?.getValue() ?? undefined
  const source = from === undefined ? undefined : stages.get(from)
  if (from !== undefined && !source) throw new Error(`Cannot copy from "${from}": there is no such stage`)
  for (const word of words) {
    const path = source ? join(source.root, word) : join(context, word)
    // A folder is copied as what is in it, a file by its name into a folder.
    const isFile = /\/$/.test(instruction.getArguments().at(-1)?.getValue() ?? '')
    cpSync(path, isFile ? join(target, basename(word)) : target, { recursive: true })
  }
}

function setVariables(stage: Stage, instruction: Env): void {
  for (const property of instruction.getProperties())
    stage.env[property.getName()] = property.getValue() ?? ''
}

async function runStep(stage: Stage, instruction: Instruction): Promise<void> {
  const command = instruction.getArgumentsContent() ?? ''
  await runOrThrow('sh', ['-e', '-c', command], {
    cwd: stage.workdir,
    env: { ...process.env, npm_config_prefer_offline: 'true', ...stage.env },
  })
}

/** Runs what a container runs, on a free port, until it is healthy; then stops it as Docker does. */
async function serve(stage: Stage | undefined): Promise<void> {
  const [program, ...args] = stage?.command ?? []
  if (!stage || !program) throw new Error('Cannot serve: there is no CMD')
  const preload = join(root, 'scripts/dist/free-port.js')
  const child = spawn(program, ['--import', preload, ...args], {
    cwd: stage.workdir,
    env: { ...process.env, ...stage.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  const port = /:(\d+)$/m.exec(line)?.[1] ?? ''
  const [check = '', ...arguments_] = stage.health
  await runOrThrow(check, arguments_, { cwd: stage.workdir, env: { ...process.env, PORT: port } })
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`Cannot stop as a container: the exit code is ${code}`)
}

/** The words of a command in exec form, the only one whose process gets signals itself. */
function wordsOf(instruction: Instruction): string[] {
  const [array] = /\[.*\]$/.exec(instruction.getArgumentsContent() ?? '') ?? []
  if (array === undefined) throw new Error(`Cannot run ${instruction.getKeyword()}: it is not in exec form`)
  return JSON.parse(array) as string[]
}

function within(stage: Stage, path: string): string {
  const place = path.startsWith('/') ? join(stage.root, path) : join(stage.workdir, path)
  mkdirSync(place, { recursive: true })
  return place
}
