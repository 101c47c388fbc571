import { toSpread } from './spread.ts'

/** A Markdown table. */
export function formatRows(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
  return lines.join('\n')
}

/** The middle of several figures, and how far they lie apart. */
export function formatSpread(figures: readonly number[], digits: number): string {
  const { median, min, max } = toSpread(figures)
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`
}
