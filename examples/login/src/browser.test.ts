import { existsSync } from 'node:fs'
import process from 'node:process'

import { AppRunner, createLogger } from '@allium/core'
import puppeteer from 'puppeteer-core'
import type { BrowserContext, Page } from 'puppeteer-core'
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
  const url = await serve(t)

  t.test('a login outlives a refresh, is that of a second tab, and ends everywhere at once', async t => {
    const [laptop, phone] = [await browser.createBrowserContext(), await browser.createBrowserContext()]
    const first = await visit(laptop, url)
    t.equal(await nameOn(first), '')

    await signIn(first)
    t.equal(await nameOn(first), 'ada')
    t.match(await textOf(first, '#messages'), 'Welcome, ada')

    await first.reload()
    t.equal(await nameOn(first), 'ada')
    t.equal(await textOf(first, '#visits'), '2')
    t.equal(await textOf(first, '#messages'), '', 'the message was for one page')

    const second = await visit(laptop, url)
    t.equal(await nameOn(second), 'ada')
    const third = await visit(phone, url)
    t.equal(await nameOn(third), '', 'another device has another session')
    await signIn(third)
    t.equal(await nameOn(third), 'ada')
    t.equal((await third.$$('#devices li')).length, 2)

    await click(third, '#sign-out-everywhere')
    for (const page of [first, second]) {
      await page.waitForSelector('[data-presence="1008"]')
      t.match(await textOf(page, '#messages'), 'You were signed out elsewhere')
    }
    for (const page of [first, second, third]) {
      await page.reload()
      t.equal(await nameOn(page), '')
    }
  })

  t.test('the cookie is out of reach for scripts, and is not sent by other sites', async t => {
    const context = await browser.createBrowserContext()
    const page = await visit(context, url)
    await signIn(page)

    t.equal(await page.evaluate('document.cookie'), '')
    const [cookie] = await page.cookies()
    t.match(cookie, { name: 'session', httpOnly: true, sameSite: 'Lax', session: true })
  })
}

async function serve(t: Test): Promise<string> {
  const runner = new AppRunner(createApp({ logger: createLogger('error') }), { shutdownTimeout: 2000 })
  await runner.startup()
  t.teardown(() => runner.stop())
  return (await runner.listen({ host: '127.0.0.1', port: 0 })).url
}

async function visit(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  return page
}

async function signIn(page: Page): Promise<void> {
  await page.bringToFront()
  await page.waitForSelector('#sign-in:not([hidden])') // what is hidden takes no keys
  await page.type('[name=name]', 'ada')
  await page.type('[name=password]', 'correct horse battery')
  await click(page, '#sign-in button')
}

/** Clicks what leads to another page, and waits for that. */
async function click(page: Page, selector: string): Promise<void> {
  await page.bringToFront() // a page in the background does not react to clicks
  await Promise.all([page.waitForNavigation(), page.click(selector)])
}

/** Who is signed in, as the page says when it has found out; `''` for nobody. */
async function nameOn(page: Page): Promise<string> {
  await page.bringToFront()
  await page.waitForSelector('#sign-in:not([hidden]), body[data-presence="open"]')
  return textOf(page, '#name')
}

async function textOf(page: Page, selector: string): Promise<string> {
  return page.$eval(selector, element => element.textContent ?? '')
}
