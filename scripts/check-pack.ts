/** Installs the packed packages into an empty project and uses them there as a user would: ESM, CommonJS and types. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runOrThrow } from './run.ts'
import { createTemporaryFolder, packAll } from './tarballs.ts'
import { root } from './workspace.ts'

const folder = createTemporaryFolder()
const tarballs = await packAll(folder)
const doors = tarballs.flatMap(({ unit }) => unit.doors.map(door => door.specifier))

write('package.json', JSON.stringify({ name: 'empty', private: true, type: 'module' }))
write('esm.mjs', [...doors.map(door => `import '${door}'`), "console.log('imported')"].join('\n'))
write('commonjs.cjs', [...doors.map(door => `require('${door}')`), "console.log('required')"].join('\n'))
write('hello.ts', helloApp())
write('tsconfig.json', JSON.stringify({ compilerOptions: compilerOptions(), files: ['hello.ts'] }))

await npmInstall(tarballs.map(({ path }) => path))
for (const script of ['esm.mjs', 'commonjs.cjs'])
  await runOrThrow(process.execPath, [script], { cwd: folder })
await runOrThrow(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
await runOrThrow(process.execPath, ['hello.js'], { cwd: folder, timeout: 20_000 })
rmSync(folder, { recursive: true })
console.log(
  `${tarballs.length} packages install from their tarballs, and ${doors.length} doors import, require and type-check`,
)

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

function npmInstall(paths: readonly string[]): Promise<string> {
  return runOrThrow('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...paths], {
    cwd: folder,
  })
}

/** The types of node come from here; those of the packages and of what they depend on from the install. */
function compilerOptions(): object {
  return {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
}

/** Loads every door for its types, then serves one request. */
function helloApp(): string {
  return `
    ${doors.map((door, index) => `import * as door${index} from '${door}'; void door${index}`).join('\n')}
    import { Application, json } from '@allium/core'
    import { TestClient } from '@allium/testing'

    const app = new Application()
    app.get('/hello/:name', ({ params }) => json({ hello: params.name }))
    const client = await TestClient.start(app)
    const { status } = await client.get('/hello/Ada')
    await client.close()
    if (status !== 200) throw new Error('Cannot greet: the status is ' + status)
  `
}
