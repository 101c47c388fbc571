import { existsSync, readdirSync } from 'node:fs'
import { OptionDefaults } from 'typedoc'

const validation = {
  notExported: true,
  invalidLink: true,
  invalidPath: true,
  rewrittenLink: true,
  notDocumented: true,
  unusedMergeModuleWith: true,
}

/** Each package is converted and validated by itself, by these and its own `typedoc.json`; then all are merged. */
const packageOptions = {
  excludeInternal: true,
  // Inherited documentation of Node's links to what is left out here as internal.
  externalSymbolLinkMappings: { '@types/node': { 'Stream.Readable._read': '#' } },
  validation,
  requiredToBeDocumented: [
    'Enum',
    'EnumMember',
    'Variable',
    'Function',
    'Class',
    'Interface',
    'Property',
    'Method',
    'Accessor',
    'TypeAlias',
  ],
  disableSources: true,
}

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'Allium',
  entryPointStrategy: 'packages',
  entryPoints: ['packages/*'],
  packageOptions,
  includeVersion: true,
  readme: existsSync('README.md') ? 'README.md' : 'none',
  projectDocuments: listGuides(),
  out: 'docs/api',
  highlightLanguages: [...OptionDefaults.highlightLanguages, 'dockerfile', 'ini', 'nginx'],
  validation,
  treatWarningsAsErrors: true,
}

/** TypeDoc warns of a pattern that matches nothing, so the guides are listed here. */
function listGuides() {
  return readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.md') && !/^(api|\.examples)\b/.test(path))
    .map(path => `docs/${path}`)
    .sort()
}
