/** What the caller got wrong: arguments, a file, a value. The message says what, where and the allowed form. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const USAGE = `aws-outbound-jwt: the injector of the webhook, offline

  aws-outbound-jwt inject -f FILE [-f FILE]... [--values FILE] [--diff] [-o yaml|json]
  aws-outbound-jwt lint   -f FILE [-f FILE]... [--values FILE] [-o text|json]

inject  prints the manifests as the webhook would make their pods; prints none when it would refuse one
lint    says what the webhook would refuse, and what would have no effect

-f FILE        manifests as YAML or JSON, several documents allowed; - is standard input
--values FILE  values of the Helm chart: image, resources and defaults of your clusters
--diff         only what would change
-o FORMAT      form of the output
-h, --help
--version

Exit status: 0 fine, 1 refused or something to fix, 64 wrong arguments or an unreadable file.
`
