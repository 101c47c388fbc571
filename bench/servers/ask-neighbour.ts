import { Agent, get } from 'node:http'

const agent = new Agent({ keepAlive: true })

/** Asks the service next door, in the same way for every server. */
export function askNeighbour(): Promise<string> {
  return new Promise((resolve, reject) => {
    get(process.env['BENCH_NEIGHBOUR']!, { agent }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
      response.on('error', reject)
    }).on('error', reject)
  })
}
