import type { SettingsTable } from '../../../proxy/src/runtime/settings.ts'
import { markdownTable } from './documents.ts'

/** @returns the Markdown table of a process's environment variables. */
export function settingsTable(settings: SettingsTable): string {
  return markdownTable(
    ['variable', 'default', 'meaning'],
    Object.values(settings).map(({ variable, fallback, doc }) => [
      `\`${variable}\``,
      fallback === '' ? 'none' : `\`${fallback}\``,
      doc,
    ]),
  )
}
