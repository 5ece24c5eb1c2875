// Which files are pages, in which order, under which address. Paths are those of the repository.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** Pages outside of docs/, and where they are on the site. */
const ADDRESSES = {
  'README.md': 'index.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'report-a-vulnerability.md',
  'charts/aws-outbound-jwt-injector/README.md': 'chart.md',
}

const navigation = JSON.parse(readFileSync(join(ROOT, 'site/navigation.json'), 'utf8')).map(({ text, pages }) => ({
  text,
  pages: pages.flatMap((pattern) => globSync(pattern, { cwd: ROOT }).sort()),
}))

/** Page → its Markdown file on the site. */
export const PAGES = Object.fromEntries(
  navigation.flatMap(({ pages }) => pages).map((page) => [page, ADDRESSES[page] ?? page.replace('docs/', '')]),
)

/** Every other Markdown file of the repository. */
export const NO_PAGES = globSync('**/*.md', { cwd: ROOT, exclude: (path) => /(^|\/)node_modules$/.test(path) }).filter(
  (file) => !Object.hasOwn(PAGES, file),
)

const addressOf = (page) => `/${PAGES[page].replace(/(^index)?\.md$/, '')}`

export const SIDEBAR = navigation.map(({ text, pages }) => ({
  text,
  collapsed: pages.length > 12,
  items: pages.map((page) => ({ text: titleOf(page), link: addressOf(page) })),
}))

function titleOf(page) {
  if (page === 'README.md') return 'Overview'
  const [, title] = /^# (.+)$/m.exec(readFileSync(join(ROOT, page), 'utf8')) ?? []
  if (title === undefined) throw new Error(`${page}: no heading to name it by`)
  return title.replaceAll('`', '')
}

/**
 * @param page the page that links. @param href a relative link. @param source where files that are no pages can be read.
 * @returns the link as it is on the site. @throws when nothing is there.
 */
export function linkFrom(page, href, source) {
  const [path, anchor] = href.split('#')
  const fragment = anchor === undefined ? '' : `#${anchor}`
  if (path === '') return href
  const target = join(dirname(page), decodeURI(path))
  if (Object.hasOwn(PAGES, target)) return `${addressOf(target)}${fragment}`
  if (!existsSync(join(ROOT, target))) throw new Error(`${page}: nothing is at ${href}`)
  return `${source}/${target}${fragment}`
}
