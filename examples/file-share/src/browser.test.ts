import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { AppRunner, createLogger } from '@allium/core'
import type { Application } from '@allium/core'
import puppeteer from 'puppeteer-core'
import type { Browser, Page } from 'puppeteer-core'
import t from 'tap'
import type { Test } from 'tap'

import { createApp } from './app.ts'

const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium'

// Without a browser there is nothing to test, except where the gate says that there has to be one.
if (existsSync(chromium) || process.env.ALLIUM_REQUIRE_SERVICES) {
  t.test('in a browser', inBrowser)
} else {
  t.pass('no browser is installed')
}

async function inBrowser(t: Test): Promise<void> {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox'] })
  t.teardown(() => browser.close())

  t.test('a file that one visitor shares appears at the other, and downloads whole', async t => {
    const { url } = await serve(t, createApp({ logger: createLogger('error') }))
    const [first, second] = [await visit(browser, url), await visit(browser, url)]

    await share(t, first, 'notes.txt', 'all of it')

    t.equal(await nameOfFirst(first), 'notes.txt')
    t.equal(await nameOfFirst(second), 'notes.txt')
    const text = await second.$eval('#files a', link => fetch(link.href).then(response => response.text()))
    t.equal(text, 'all of it')
    const part = await second.$eval('#files a', async link => {
      const response = await fetch(link.href, { headers: { range: 'bytes=0-2' } })
      return `${response.status} ${await response.text()}`
    })
    t.equal(part, '206 all')
  })

  t.test('a visitor who has lost the server comes back with the last arrival that it has seen', async t => {
    const app = createApp({ logger: createLogger('error') })
    const ids: (string | null)[] = []
    app.use((request, next) => {
      if (request.path === '/arrivals') ids.push(request.headers.get('last-event-id'))
      return next(request)
    })
    const { runner, url, port } = await serve(t, app)
    const visitor = await visit(browser, url)
    await share(t, visitor, 'a', '1')
    await nameOfFirst(visitor)

    await runner.stop()
    await serve(t, app, port)
    while (ids.length < 2) await new Promise(resolve => setTimeout(resolve, 50))

    t.same(ids, [null, '1'])
  })
}

async function serve(t: Test, app: Application, port = 0) {
  const runner = new AppRunner(app, { shutdownTimeout: 2000 })
  await runner.startup()
  t.teardown(() => runner.stop())
  return { runner, ...(await runner.listen({ host: '127.0.0.1', port })) }
}

async function visit(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(url)
  return page
}

async function share(t: Test, page: Page, name: string, content: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'allium-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, name), content)
  const input = await page.$('input[type=file]')
  await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(join(directory, name))
  await page.bringToFront() // a page in the background does not react to clicks
  await page.click('button')
}

async function nameOfFirst(page: Page): Promise<string> {
  await page.bringToFront()
  const link = await page.waitForSelector('#files a')
  return link!.evaluate(element => element.textContent ?? '')
}
