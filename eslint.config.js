import eslint from '@eslint/js'
import { defineConfig } from 'eslint/config'
import { builtinModules } from 'node:module'
import { basename } from 'node:path'
import tseslint from 'typescript-eslint'

const sources = ['packages/*/src/**/*.ts']
const tests = ['**/*.test.ts', '**/*.test-d.ts', '**/test/**/*.ts']

// Files that wrap the machine's clock: everywhere else in core, time comes from the application's clock.
const filesWithTimers = ['packages/core/src/clock.ts']

const sayNothing = ['utils', 'helpers', 'common', 'misc', 'types', 'constants', 'interfaces', 'manager']

const houseRules = {
  rules: {
    'file-name': {
      meta: {
        schema: [],
        messages: { empty: 'Name the file after the concept in it: "{{name}}" says nothing.' },
      },
      create: context => ({
        Program(node) {
          const name = basename(context.filename).split('.')[0]
          if (sayNothing.includes(name)) context.report({ node, messageId: 'empty', data: { name } })
        },
      }),
    },
  },
}

const syntaxEverywhere = [
  {
    selector:
      ':matches(Program, Program > ExportNamedDeclaration) > VariableDeclaration > VariableDeclarator:not([id.typeAnnotation]) > :matches(ArrowFunctionExpression, FunctionExpression)',
    message: 'A function at the top level is a declaration.',
  },
  {
    selector: ':matches(PropertyDefinition, MethodDefinition)[accessibility="private"]',
    message: 'Use a #private name.',
  },
]

const syntaxOfPackages = [
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
  { selector: 'ExportAllDeclaration', message: 'Export by name: the door is the list of what is public.' },
  {
    selector: 'ExportNamedDeclaration[source.value=/^@allium\\u002F/]',
    message: 'A door does not export the names of another package.',
  },
]

const unprefixed = builtinModules.map(name => ({ name, message: `Import "node:${name}".` }))

const useClock = 'Use the clock of the application.'
const timers = ['setTimeout', 'setInterval', 'setImmediate'].map(name => ({ name, message: useClock }))
const timerModules = ['node:timers', 'node:timers/promises'].map(name => ({ name, message: useClock }))

export default defineConfig(
  {
    ignores: [
      '**/dist/',
      '**/node_modules/',
      '.tap/',
      '.nodes/',
      'coverage/',
      'docs/api/',
      'docs/.examples/',
    ],
  },
  eslint.configs.recommended,
  {
    plugins: { house: houseRules },
    rules: {
      'house/file-name': 'error',
      'no-restricted-syntax': ['error', ...syntaxEverywhere],
      'no-restricted-imports': ['error', { paths: unprefixed }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  { files: ['examples/*/public/**', 'packages/*/test/fixtures/**/*.js'], rules: { 'no-undef': 'off' } }, // a browser runs them
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        tsconfigRootDir: import.meta.dirname,
        project: [
          'packages/*/tsconfig.json',
          'packages/*/tsconfig.test.json',
          'packages/*/test/tsconfig.json',
          'examples/*/tsconfig.json',
          '{bench,scripts}/tsconfig.json',
        ],
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-duplicate-type-constituents': 'off', // refuses `name?: T | undefined` on parameters
      '@typescript-eslint/require-await': 'off', // an async function may promise what a synchronous body knows
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  {
    files: sources,
    ignores: tests,
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...syntaxEverywhere, ...syntaxOfPackages],
    },
  },
  {
    // Tests pass values that are wrong on purpose, and read bodies of which only they know the type.
    files: tests,
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafePromises: [
            { from: 'package', package: '@tapjs/core', name: 'PromiseWithSubtest' },
          ],
        },
      ],
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['packages/core/src/**/*.ts'],
    ignores: [...tests, ...filesWithTimers],
    rules: {
      'no-restricted-globals': ['error', ...timers],
      'no-restricted-imports': ['error', { paths: [...unprefixed, ...timerModules] }],
      'no-restricted-properties': [
        'error',
        { object: 'AbortSignal', property: 'timeout', message: useClock },
      ],
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: { globals: { console: 'readonly', performance: 'readonly', process: 'readonly' } },
  },
)
