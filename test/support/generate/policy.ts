import { POLICY_FIELDS } from '../../../webhook/src/injection/policy/rules.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

export const documents = (): readonly GeneratedDocument[] => [{ path: 'docs/policy.md', content: page() }]

const page = (): string => `${GENERATED}

# Policy: who may ask for what

IAM decides what a role can get. A policy decides, before a pod starts, what its namespace may ask for: which partners, audiences, roles, sources and exchanges. It belongs to the team that runs the cluster.

\`\`\`yaml
# values of the chart
policy:
  rules:
    - name: shop-orders
      namespaces: [shop, 'shop-*']
      hosts: [api.partner.example]
      audiences: ['https://api.partner.example']
      sources: [aws]
      https: [intercept]
\`\`\`

Without rules nothing is restricted. With rules, a pod is refused (\`policy-denied\`, see [reasons](reasons.md)) unless rules of its namespace grant all of its routes. The message names what was asked and what the namespace may have; it says nothing about other namespaces.

${markdownTable(
  ['field', 'example', 'meaning'],
  [
    ['`name`', 'shop-orders', 'What messages call the rule. Required, and used once.'],
    ...Object.entries(POLICY_FIELDS).map(([name, { example, doc }]) => [`\`${name}\``, `\`${example}\``, doc]),
  ],
)}

- \`*\` stands for any characters, dots and slashes included, or for none.
- **One rule grants a whole route.** Two rules that grant a half each grant nothing: a host of one and an audience of the other were never meant for each other. Different routes of a pod may have different rules.
- **A list that is missing grants nothing.** A rule without \`sources\` grants no token at all.
- With an exchange the rule also has the host of the token endpoint in \`hosts\`: it receives the source token. For \`google\` these are \`sts.googleapis.com\` and, with a service account, \`iamcredentials.googleapis.com\`.
- Pods that come with the sidecar in them, from \`outbound-jwt inject\` for example, are held to the policy as well.
- A pod that only the label of its namespace opted in is left alone with a warning instead, like with every other reason.
- A pod that runs is not looked at again when the policy changes.

## Changes

The chart keeps the rules in the ConfigMap \`aws-outbound-jwt-injector-policy\`. A change arrives without a restart, about a minute later. A policy that cannot be used (a field that does not exist, a word that is misspelt, no rules at all)
never opens anything: the last good one stays in force, the log has the line \`policy cannot be used\` with the field, \`outbound_jwt_policy_current\` is 0, and the alert \`OutboundJwtPolicyBroken\` fires. A webhook that starts
with such a policy ends with exit status 64, and the replicas before it go on.

Without Helm: [policy.yaml](../manifests/examples/policy.yaml) is such a ConfigMap. Mount it into the webhook, without \`subPath\`, and name the file in \`POLICY_FILE\`.

## Before the cluster

\`\`\`sh
outbound-jwt lint -f orders.yaml --values values.yaml
\`\`\`

\`--values\` takes the values of the chart, the rules among them. A policy that is kept in a file of its own, which begins with \`rules:\`, is named with \`--policy\` instead.
An object without a namespace counts as one of \`default\`.

## What it does not do

It restricts what the webhook injects. Somebody who may create pods can run a sidecar of their own making with their service account's role, and IAM alone decides about that one: bind roles to service accounts
and audiences in IAM ([iam](iam.md)). The role of a pod without \`role-arn\` comes from its service account, as EKS writes it into the containers; \`roleArns\` says nothing about it.
Whoever writes another role there by hand, with a token mounted where EKS mounts it, has the sidecar use that one: nobody can tell the two apart, and the trust policy of the role decides.
`
