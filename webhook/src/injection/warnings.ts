import { printable } from '@aws-outbound-jwt-injector/proxy/contract'

export type Warn = (text: string) => void

/** What the API server passes on without cutting. Source: apiserver/pkg/warning. */
const LONGEST = 256
const MOST = 16

/** @returns the text as the API server passes it on: one line of ASCII, at most 256 bytes. */
export function warningLine(text: string): string {
  const line = printable(text.slice(0, LONGEST + 1))
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 3)}...`
}

/** Collects warnings, each once, at most 16. */
export function createWarnings(): { readonly warn: Warn; readonly lines: () => readonly string[] } {
  const lines = new Set<string>()
  return {
    warn: (text) => {
      if (lines.size < MOST) lines.add(warningLine(text))
    },
    lines: () => [...lines],
  }
}
