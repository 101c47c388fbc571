import type { DebugReport } from './debug-report.ts'
import { escapeHtml } from './escape-html.ts'
import type { Problem } from './problem.ts'

const STYLE = `
body { max-width: 60rem; margin: 3rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color-scheme: light dark }
p { white-space: pre-line }
pre { overflow-x: auto; padding: 1rem; border: 1px solid; border-radius: .25rem; font-size: .875rem }
`

/** The policy of pages that have nothing but text and a style of their own. */
export const ERROR_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

/** A page for people. Everything in it is escaped. */
export function renderErrorPage({ status, title, detail }: Problem, report: DebugReport | undefined): string {
  const heading = escapeHtml(`${status} ${title}`)
  return [
    `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${heading}</title>`,
    `<meta name="viewport" content="width=device-width">\n<style>${STYLE}</style>`,
    `<h1>${heading}</h1>`,
    ...(detail === undefined ? [] : [`<p>${escapeHtml(detail)}</p>`]),
    ...(report ? [renderReport(report)] : []),
    '',
  ].join('\n')
}

function renderReport({ error, route, request }: DebugReport): string {
  return [
    `<pre>${escapeHtml(error)}</pre>`,
    `<h2>Route</h2>\n<pre>${escapeHtml(route)}</pre>`,
    `<h2>Request</h2>\n<pre>${escapeHtml(request)}</pre>`,
    '<p>This is shown in debug mode only.</p>',
  ].join('\n')
}
