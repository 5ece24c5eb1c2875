import { printableLines } from '@aws-outbound-jwt-injector/proxy/contract'

/** @returns a value as JSON for other tools. SECURITY: in printable ASCII, because JSON leaves U+007F to U+009F, which a terminal obeys. */
export const jsonText = (value: unknown): string => `${printableLines(JSON.stringify(value, null, 2))}\n`
