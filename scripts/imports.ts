import ts from 'typescript'
import { readText } from './workspace.ts'

/** One import, re-export, `import()` or `require()` of a module. */
export interface Import {
  readonly file: string
  readonly line: number
  readonly specifier: string
  /** Leaves nothing in the emitted module. */
  readonly typeOnly: boolean
}

/** Every import of a module, type-only imports and `import()` included, in source order. */
export function readImports(file: string): Import[] {
  const source = ts.createSourceFile(file, readText(file), ts.ScriptTarget.Latest, true)
  const imports: Import[] = []
  visit(source)
  return imports

  function visit(node: ts.Node): void {
    const specifier = moduleSpecifier(node)
    if (specifier) imports.push({ ...locate(specifier), typeOnly: isTypeOnly(node) })
    ts.forEachChild(node, visit)
  }

  function locate(specifier: ts.StringLiteralLike): Omit<Import, 'typeOnly'> {
    const { line } = source.getLineAndCharacterOfPosition(specifier.getStart())
    return { file, line: line + 1, specifier: specifier.text }
  }
}

/** `@scope/name/door` and `name/door` to `@scope/name` and `name`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Whether a specifier names an installed package: neither a relative path nor a module of node's. */
export function isPackageImport(specifier: string): boolean {
  return !specifier.startsWith('.') && !specifier.startsWith('node:')
}

function moduleSpecifier(node: ts.Node): ts.StringLiteralLike | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier)
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return literal(node.argument.literal)
  if (ts.isCallExpression(node) && isImporter(node.expression)) return literal(node.arguments[0])
  return undefined
}

function isImporter(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

function literal(node: ts.Node | undefined): ts.StringLiteralLike | undefined {
  return node && ts.isStringLiteralLike(node) ? node : undefined
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  return ts.isImportDeclaration(node) && node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
}
