/** More than anybody says in a message; what is longer is not one. Cut behind the secrets that are known: half of one looks like none. */
const READ_CHARACTERS = 4_000

/** What tokens and keys look like, whoever made them. */
const SECRETS =
  /eyJ[\w-]+(?:\.[\w-]*)*|\bA[KS]IA[A-Z0-9]{12,}|\b(?:ya29\.|sk-ant-|hv[sbr]\.)[\w.-]+|\b(?:Basic|Bearer) +[\w.~+/-]{8,}=*/g

/** Long runs of base64 with letters of both cases and digits; names in ARNs seldom are, and have hyphens. */
const RUN = /[A-Za-z0-9+/]{40,}={0,2}/g
const isRandom = (run: string): boolean => /[A-Z]/.test(run) && /[a-z]/.test(run) && /\d/.test(run)

/**
 * Makes text of another server fit for logs and people: one line of visible ASCII without secrets, of at most so many characters.
 * SECURITY: what an answer echoes may be what it was sent. The text is cut last, so that a half of a secret is not left over.
 * @param known secrets that were sent, whatever they look like.
 */
export function redact(text: string, longest: number, known: readonly string[] = []): string {
  let clean = text
  for (const secret of known) if (secret !== '') clean = clean.replaceAll(secret, REDACTED)
  return clean
    .slice(0, READ_CHARACTERS)
    .replace(SECRETS, REDACTED)
    .replace(RUN, (run) => (isRandom(run) ? REDACTED : run))
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, longest)
}

const REDACTED = '[redacted]'
