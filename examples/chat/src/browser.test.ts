import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import puppeteer from 'puppeteer-core'
import type { Browser, Page } from 'puppeteer-core'
import t from 'tap'
import type { Test } from 'tap'

const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium'
const redis = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'
const isComplete = existsSync(chromium) && (await isServed(new URL(redis)))

t.setTimeout(120_000)

// Without a browser and a Redis there is nothing to test, except where the gate says that there have to be.
if (isComplete || process.env.ALLIUM_REQUIRE_SERVICES) {
  t.test('in two windows, over two workers and a Redis', inBrowser)
} else {
  t.pass('no browser or no Redis is there')
}

async function inBrowser(t: Test): Promise<void> {
  const { url, stop } = await serve(t)
  const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox'] })
  t.teardown(() => browser.close())
  const ada = await enter(browser, url, 'Ada')
  let bob = await enter(browser, url, 'Bob')
  while ((await processOf(bob)) === (await processOf(ada))) bob = await enter(browser, url, 'Bob')

  await say(ada, 'hello')
  t.equal(await heard(bob, 'hello'), 'Ada: hello', 'from one worker to the other')
  await say(bob, 'hi')
  t.equal(await heard(ada, 'hi'), 'Bob: hi', 'and back')

  const lost = await processOf(bob)
  process.kill(lost, 'SIGKILL')
  await bob.waitForFunction(`Number(document.body.dataset.process) !== ${lost}`, { polling: 50 })

  await say(ada, 'still there?')
  t.equal(await heard(bob, 'still there?'), 'Ada: still there?', 'a client whose worker was killed is back')
  await say(bob, 'I am')
  t.equal(await heard(ada, 'I am'), 'Bob: I am')
  t.same(await stop(), [0, null], 'it stops in time, though a worker has only just begun')
}

/** Runs the example as its read-me says, with two workers. */
async function serve(t: Test): Promise<{ url: string; stop: () => Promise<unknown[]> }> {
  const port = await freePort()
  const main = fileURLToPath(new URL('main.js', import.meta.url))
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, WORKERS: '2', PORT: String(port), REDIS_URL: redis },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const stop = () => {
    child.kill('SIGTERM')
    return once(child, 'exit')
  }
  let output = ''
  while (!output.includes('Listening')) output += String((await once(child.stdout, 'data'))[0])
  return { url: `http://127.0.0.1:${port}`, stop }
}

async function enter(browser: Browser, url: string, name: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(`${url}/?name=${name}&room=${process.pid}`)
  await page.waitForFunction('document.body.dataset.process', { polling: 50 })
  return page
}

async function processOf(page: Page): Promise<number> {
  return Number(await page.evaluate('document.body.dataset.process'))
}

async function say(page: Page, text: string): Promise<void> {
  await page.bringToFront() // a page in the background does not react to keys
  await page.type('input[name=text]', text)
  await page.keyboard.press('Enter')
}

/** The line with that text, once it is there. */
async function heard(page: Page, text: string): Promise<unknown> {
  const find = `[...document.querySelectorAll('#said li')].map(li => li.textContent).find(line => line.endsWith(${JSON.stringify(text)}))`
  const handle = await page.waitForFunction(find, { polling: 50 })
  return handle.jsonValue()
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function isServed({ hostname, port }: URL): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(Number(port || 6379), hostname)
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
