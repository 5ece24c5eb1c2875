// The built site in a real browser. Nothing is served: the browser's requests are answered from the folder, and a request to
// any other host is a finding.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { chromium } from 'playwright-core'

const DIST = join(import.meta.dirname, '../.vitepress/dist')
const ORIGIN = 'https://site.example'
const BASE = '/aws-outbound-jwt-injector/'
const BROWSERS = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2' }

const addresses = globSync('**/*.html', { cwd: DIST, exclude: ['404.html'] }).map(
  (file) => `${BASE}${file.replace(/(index)?\.html$/, '')}`,
)

/** As GitHub Pages answers: an address without an extension is that of a page. */
function fileAt(pathname) {
  const path = pathname.slice(BASE.length) || 'index.html'
  return join(DIST, extname(path) === '' ? `${path}.html` : path)
}

describe('the documentation site in a browser', () => {
  let browser
  let page
  /** What went wrong on the way, in every test. */
  const findings = []

  before(async function () {
    const executablePath = BROWSERS.find((path) => existsSync(path))
    if (executablePath === undefined) {
      console.error(`skipped: there is no browser at ${BROWSERS.join(', ')}`)
      return this.skip()
    }
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] })
    context.on('weberror', (error) => findings.push(error.error().message))
    context.on(
      'console',
      (message) => message.type() === 'error' && findings.push(`${message.page()?.url()}: ${message.text()}`),
    )
    await context.route('**', async (route) => {
      const url = new URL(route.request().url())
      const file = fileAt(url.pathname)
      if (url.origin === ORIGIN && url.pathname.startsWith(BASE) && existsSync(file))
        return route.fulfill({
          body: readFileSync(file),
          contentType: TYPES[extname(file)] ?? 'application/octet-stream',
        })
      findings.push(`a request to ${url}`)
      return route.abort()
    })
    page = await context.newPage()
  })

  after(() => browser?.close())

  /** Until the page's own code runs, which is when it compares what it would render with what is there. */
  async function open(address) {
    await page.goto(`${ORIGIN}${address}`)
    await page.waitForFunction(() => '__vue_app__' in globalThis.document.querySelector('#app'))
  }

  it('opens every page without an error and asks no other host', async () => {
    expect(addresses).to.have.length.above(30)
    for (const address of addresses) {
      await open(address)
      expect(await page.locator('h1').count(), address).to.equal(1)
    }
    expect(findings).to.deep.equal([])
  })

  it('finds token_denied where the error is explained', async () => {
    await open(BASE)
    await page.locator('#local-search button').first().click()
    await page.locator('#localsearch-input').fill('token_denied')
    await page.locator('#localsearch-list a').first().waitFor()
    const found = await page
      .locator('#localsearch-list a')
      .evaluateAll((links) => links.slice(0, 5).map(({ pathname }) => pathname))
    expect(found).to.include(`${BASE}errors`)
    expect(findings).to.deep.equal([])
  })

  it('copies a block of code as it is', async () => {
    await open(`${BASE}install`)
    const block = page.locator('div.language-sh').first()
    await block.hover()
    await block.locator('button.copy').click()
    await block.locator('button.copied').waitFor()
    expect(await page.evaluate(() => globalThis.navigator.clipboard.readText())).to.match(
      /^helm install .* \\\n {2}--namespace /,
    )
  })

  it('is light or dark as the reader has it, until they choose', async () => {
    await open(BASE)
    const background = () => page.evaluate(() => globalThis.getComputedStyle(globalThis.document.body).backgroundColor)
    await page.emulateMedia({ colorScheme: 'light' })
    expect(await background()).to.equal('rgb(255, 255, 255)')
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.locator('html.dark').waitFor()
    expect(await background()).to.equal('rgb(27, 27, 31)')
    await page.locator('button.VPSwitchAppearance').locator('visible=true').first().click()
    await page.locator('html:not(.dark)').waitFor()
    expect(await background()).to.equal('rgb(255, 255, 255)')
  })
})
