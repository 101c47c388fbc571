import type { Figures, Round } from './rounds.ts'
import { toSpread } from './spread.ts'

const HEAD = [
  '| server | CPU per request, ratio | µs | requests/s, ratio | requests/s | p99, ms | peak memory, MiB |',
  '| --- | --- | --- | --- | --- | --- | --- |',
]

/** A Markdown table: ratios to the base line of the same round, median with min and max, then plain medians. */
export function formatTable(
  base: string,
  rounds: readonly Round[],
  peakMemory: ReadonlyMap<string, number>,
): string {
  const rows = Array.from(peakMemory, ([name, memory]) => formatRow(name, base, rounds, memory))
  return [...HEAD, ...rows].join('\n')
}

function formatRow(name: string, base: string, rounds: readonly Round[], memory: number): string {
  const cells = [
    name === base ? `**${name}** (base)` : name,
    name === base ? '1.00' : formatRatio(name, base, rounds, 'cpu'),
    medianOf(name, rounds, 'cpu').toFixed(1),
    name === base ? '1.00' : formatRatio(name, base, rounds, 'rate'),
    formatRate(medianOf(name, rounds, 'rate')),
    medianOf(name, rounds, 'p99').toFixed(1),
    (memory / (1024 * 1024)).toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

function formatRatio(name: string, base: string, rounds: readonly Round[], key: keyof Figures): string {
  const { median, min, max } = toSpread(rounds.map(round => round.get(name)![key] / round.get(base)![key]))
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
}

function formatRate(rate: number): string {
  return rate < 1000 ? rate.toFixed(0) : `${(rate / 1000).toFixed(1)}k`
}

function medianOf(name: string, rounds: readonly Round[], key: keyof Figures): number {
  return toSpread(rounds.map(round => round.get(name)![key])).median
}
