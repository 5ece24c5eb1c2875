import { CHECKS } from '../../../proxy/src/doctor/checks.ts'
import { REFUSE_ES384, REQUIRED_MEMBERS, STRICT_ABOUT_ISSUER } from '../../../proxy/src/doctor/requirements.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

export function documents(): readonly GeneratedDocument[] {
  return [
    {
      path: 'docs/doctor.md',
      content: `${GENERATED}

# Doctor

\`\`\`sh
kubectl exec POD -c aws-outbound-jwt-proxy -- /nodejs/bin/node /app/doctor.mjs
\`\`\`

\`--json\` prints the same for programs. The proxy examines itself on its own credentials, within half a minute: a line per check with what was found, and a line with the fix where there is something to fix.
The token never appears; its claims do. Each run asks STS for new tokens.

| exit status | means |
| --- | --- |
| 0 | every check passes, or warns |
| 1 | a check fails |
| 2 | the proxy in this pod does not answer |

## Checks

The ids never change. A verdict is \`pass\`, \`warn\` (works, but not for everybody or not for long), \`fail\`, or \`skip\` (could not be looked at).
A finding with a \`reason\` has its row in [token-failures.md](token-failures.md) or, for \`partner\`, in [errors.md](errors.md).

${markdownTable(
  ['id', 'looks at'],
  Object.entries(CHECKS).map(([id, meaning]) => [`\`${id}\``, meaning]),
)}

At most 32 tokens and 32 partners are looked at. A route whose audience depends on a wildcard's host is skipped.

## Partners that want more than AWS publishes

AWS's issuer publishes its keys and a small OpenID configuration. Most partners need no more. OpenID Connect Discovery 1.0 requires these members; \`discovery\` names those that are missing.

${markdownTable(
  ['member', 'refused without it by'],
  Object.entries(REQUIRED_MEMBERS).map(([member, who]) => [`\`${member}\``, who.join(', ')]),
)}

- Give such a partner the issuer and the URL of the keys by hand; doctor prints both.
- \`iss\` is compared byte for byte by ${STRICT_ABOUT_ISSUER.join('; ')}. Configure it as doctor prints it, without a trailing slash.
- ES384 is refused, or not known, by ${REFUSE_ES384.join(', ')}. RS256, the default, is taken everywhere.
- The key IDs are the same in every AWS account: a partner that trusts several accounts must keep keys by issuer, not by \`kid\` alone.
`,
    },
  ]
}
