// The documentation site: the pages of the repository, as they are there. Why VitePress: docs/adr/0018-documentation-site.md.
import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { slug } from 'github-slugger'
import { defineConfig } from 'vitepress'
import { NO_PAGES, PAGES, ROOT, SIDEBAR, linkFrom } from './pages.mjs'

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const REPOSITORY = 'https://github.com/aws-outbound-jwt-injector/aws-outbound-jwt-injector'
/** Of this very version, like the pages. */
const SOURCE = `${REPOSITORY}/blob/v${version}`

const BASE = '/aws-outbound-jwt-injector/'

export default defineConfig({
  title: 'aws-outbound-jwt-injector',
  description: 'Short-lived JWTs, signed by AWS, for the calls of a pod to its partners',
  base: BASE,
  srcDir: '..',
  srcExclude: NO_PAGES,
  rewrites: PAGES,
  cleanUrls: true,
  markdown: {
    // Links are written for GitHub, so headings are named as GitHub names them.
    anchor: { slugify: slug },
    config: (md) => md.core.ruler.push('links', rewriteLinks),
  },
  themeConfig: {
    sidebar: SIDEBAR,
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [{ text: version, link: `${REPOSITORY}/releases` }],
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
  },
  buildEnd: ({ outDir }) => checkAnchors(outDir),
})

/** A link to a page leads to its place on the site, any other to the file on GitHub. */
function rewriteLinks({ tokens, env }) {
  const page = relative(ROOT, env.realPath ?? env.path)
  for (const token of tokens.flatMap(({ children }) => children ?? [])) {
    const href = token.type === 'link_open' ? token.attrGet('href') : null
    if (href !== null && !/^[a-z]+:/.test(href)) token.attrSet('href', linkFrom(page, href, SOURCE))
  }
}

/** VitePress finds links to pages that are not there, but not to headings. */
function checkAnchors(outDir) {
  const pages = new Map(
    globSync('**/*.html', { cwd: outDir }).map((file) => [
      `${BASE}${file}`.replace(/(index)?\.html$/, ''),
      readFileSync(join(outDir, file), 'utf8'),
    ]),
  )
  const links = [...pages].flatMap(([page, html]) =>
    [...html.matchAll(/ href="([^"#]*)#([^"]+)"/g)].map(([, path, anchor]) => ({ page, path: path || page, anchor })),
  )
  const dead = links.filter(
    ({ path, anchor }) => pages.has(path) && !pages.get(path).includes(` id="${decodeURIComponent(anchor)}"`),
  )
  if (dead.length > 0)
    throw new Error(dead.map((link) => `${link.page}: no heading ${link.path}#${link.anchor}`).join('\n'))
}
