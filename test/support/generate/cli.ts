import type { CommandName, CommandRow } from '../../../webhook/src/cli/commands.ts'
import { COMMANDS, COMMAND_NAMES, EXITS, optionsOf } from '../../../webhook/src/cli/commands.ts'
import { docOf, optionForms, synopsis } from '../../../webhook/src/cli/usage.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

export function documents(): readonly GeneratedDocument[] {
  return [{ path: 'docs/cli.md', content: page() }]
}

const page = (): string => `${GENERATED}

# Command line

\`outbound-jwt\` is one program for everything that people do with the injector: before an installation, with manifests, and when something does not work.

${markdownTable(
  ['command', 'what it does'],
  COMMAND_NAMES.map((name) => [`[\`${name}\`](#${name})`, COMMANDS[name].doc]),
)}

## Install

From a clone, with Node 22.19 or newer. \`kubectl outbound-jwt\` is the same program.

\`\`\`sh
npm run build
npm install --global "./$(npm pack --silent --workspace webhook)"
outbound-jwt --help
kubectl outbound-jwt --help
\`\`\`

The webhook's image has it, too, in the version that your cluster runs:

\`\`\`sh
outbound-jwt() { docker run --rm -i -v "$PWD:/work:ro" -w /work --entrypoint /nodejs/bin/node ghcr.io/aws-outbound-jwt-injector/webhook:0.1.0 /app/cli.mjs "$@"; }
kubectl -n outbound-jwt-system exec -i deploy/aws-outbound-jwt-injector -- /nodejs/bin/node /app/cli.mjs lint -f - < orders.yaml
\`\`\`

Nothing installed: \`npm run -s cli -- lint -f manifests/examples/deployment.yaml\` in a clone.

${markdownTable(
  ['exit status', 'meaning'],
  Object.values(EXITS).map(({ status, doc }) => [String(status), doc]),
)}

${COMMAND_NAMES.map((name) => section(name, PROSE[name])).join('\n\n')}

## Rights

A command that asks a cluster has the rights of whoever calls it, and names the one that is missing.

${markdownTable(
  ['command', 'needs the right to'],
  COMMAND_NAMES.flatMap((name) => {
    const { rights }: CommandRow = COMMANDS[name]
    return rights ? [[`\`${name}\``, rights.join('; ')]] : []
  }),
)}

In a namespace the built-in role \`edit\` has all that \`status\` and \`doctor\` need there, and may create pods. With \`view\`, \`status\` lists the pods and shows \`?\` for their numbers.
Whoever may run commands in a pod can read the tokens of its sidecar ([security](security.md)); these two let user maria see \`status\` alone:

\`\`\`sh
kubectl -n shop create role outbound-jwt-status --verb=get,list --resource=pods,pods/proxy
kubectl -n shop create rolebinding outbound-jwt-status --role=outbound-jwt-status --user=maria
\`\`\`

What \`check\` reads of the installation needs these, once for each cluster:

\`\`\`sh
kubectl create clusterrole outbound-jwt-check --verb=list --resource=mutatingwebhookconfigurations,validatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings
kubectl create clusterrolebinding outbound-jwt-check --clusterrole=outbound-jwt-check --user=maria
kubectl -n outbound-jwt-system create role outbound-jwt-check --verb=get,list --resource=deployments,pods,pods/proxy
kubectl -n outbound-jwt-system create rolebinding outbound-jwt-check --role=outbound-jwt-check --user=maria
\`\`\`

\`--group=NAME\` or \`--serviceaccount=NAMESPACE:NAME\` stand in place of \`--user\`. \`check --pre\` asks which rights you have, and needs none for that.
`

function section(name: CommandName, prose: string): string {
  const row: CommandRow = COMMANDS[name]
  const rows = [
    ...(row.argument ? [[`\`${row.argument.name}\``, row.argument.doc]] : []),
    ...optionsOf(row).map((option) => [`\`${optionForms(option)}\``, docOf(row, option)]),
  ]
  const options = rows.length === 0 ? '' : `\n\n${markdownTable(['argument or option', 'meaning'], rows)}`
  return `## ${name}\n\n\`${synopsis(name)}\`${options}\n\n${prose.trim()}`
}

/** What a row cannot say. */
const PROSE: Readonly<Record<CommandName, string>> = {
  lint: `
\`\`\`sh
outbound-jwt lint -f orders.yaml
helm template . | outbound-jwt lint -f -
\`\`\`

It needs no cluster, and finds

- annotations on the wrong object: on the Deployment instead of its pod template, on a Service, on a Namespace. For kinds that Kubernetes does not define this is a warning,
  because only their controller knows whether it reaches a pod (a TaskRun's annotations do);
- labels that should be annotations, labels of a Namespace that say nothing, and annotations under a prefix that is nearly \`outbound-jwt.io/\`;
- everything the webhook would refuse a pod for, each with its line ([annotations.md](annotations.md), [reasons.md](reasons.md)).

A line on standard error says how many pods ask for tokens and how many do not: a file in which no pod asks, or every annotation is misspelt, has no findings either.

\`-o json\` prints a list of \`{file, line, object, severity, reason, message}\` for other tools.

Pods are found by their shape, in Lists and in objects of every kind: a template anywhere below \`spec\`
with \`containers\` in its own \`spec\` (Deployment, CronJob, Rollout, ScaledJob, RayCluster, …). Whole objects inside another object, schemas and policies (Kyverno, Gatekeeper, Kubewarden) are left alone.

\`--values\` takes the values you install the Helm chart with: image and resources of the sidecar, region, known sidecars, and defaults of namespaces that are opted in.
Such namespaces are known by their \`Namespace\` objects in the same files. Manifests are held to the rules in \`policy.rules\` of these values, or to those of \`--policy\`
where the policy is kept in a file of its own ([policy.md](policy.md#before-the-cluster)).`,
  inject: `
\`\`\`sh
outbound-jwt inject -f orders.yaml --diff
outbound-jwt inject -f orders.yaml | kubectl apply -f -
\`\`\`

The injector of the webhook, offline: the same code, no cluster.
YAML is read as Kubernetes reads it (sigs.k8s.io/yaml: YAML 1.1 with Go's numbers, so \`yes\` is true and \`0o17\` is 15), and what is written reads the same there.
Characters that its parser refuses or takes for a line break (DEL, NEL, U+2028, a lone carriage return) are refused with their line unless they are escaped in double quotes.
Comments and the author's style are kept where YAML allows it; aliases and merges of a document are replaced by what they stand for. When one pod would be refused, nothing is printed.
\`--diff\` shows the lines that change; where they are more than 4,000 in one file, it shows the whole file as changed.
A pod injected here goes through the webhook unchanged. Keep the manifest from before: after a change of annotations \`inject\` must run on it again; what it printed earlier is refused (\`stale-injection\`).`,
  explain: `
\`\`\`sh
outbound-jwt explain token_denied
outbound-jwt explain outbound-jwt.io/audience
\`\`\`

The tables behind [reasons.md](reasons.md), [errors.md](errors.md), [token-failures.md](token-failures.md), [errors-webhook.md](errors-webhook.md), [annotations.md](annotations.md), [metrics.md](metrics.md),
[configuration.md](configuration.md), [configuration-webhook.md](configuration-webhook.md) and the checks of [doctor.md](doctor.md), one word at a time. Case, dashes and underscores do not matter; for an unknown word it names words that are close.`,
  discovery: `
\`\`\`sh
outbound-jwt discovery https://12345678-90ab-cdef-1234-567890abcdef.tokens.sts.global.api.aws
\`\`\`

It reads \`/.well-known/openid-configuration\` and the keys as a partner would, without a cluster, and says

- whether the document's \`issuer\` equals the \`iss\` you gave, which is also the URL it was read from: strict partners compare all three byte for byte;
- which members are missing that OpenID Connect Discovery 1.0 §3 requires, and which partners are known to refuse that ([doctor.md](doctor.md#partners-that-want-more-than-aws-publishes));
- whether the keys can be read, and which of them partners are known not to take.

\`--complete\` prints the document with what is missing, for a place of your own. Its \`issuer\` stays that of the tokens, so it helps only with partners that let you name the address of the document apart from the issuer:
whoever compares \`iss\` with that address refuses the copy. Give those the issuer and the keys by hand. Nothing answers at the endpoints that the copy names, and nobody asks there to verify a token.`,
  check: `
\`\`\`sh
outbound-jwt check --pre
outbound-jwt check -n shop --service-account orders
\`\`\`

It asks with your own rights, changes nothing, and prints a line per check: √ is fine, ‼ works but look at it, × does not work, - could not be looked at. What does not work comes with its fix and a page.

\`--pre\` looks at the version of the cluster, the API of policies, your rights, the order of webhooks and the namespace. Without it the installation is looked at: the registration and its \`caBundle\`,
replicas and their version, the certificate that each of them serves and whether it can use the [policy](policy.md), the guard's policies and bindings, and what the API server makes of a pod that asks for a token, by a dry-run in the namespace.
With \`--service-account\` a second one, without a role of its own, says whether EKS's hook or Pod Identity gives it one. The certificate is read from the metrics of the replicas.`,
  doctor: `
\`\`\`sh
outbound-jwt doctor orders-6d5f8 -n shop
\`\`\`

The same as \`kubectl exec\` with the path of [doctor](doctor.md), which has its checks and what its lines mean.`,
  status: `
\`\`\`sh
outbound-jwt status -A
outbound-jwt status -n shop --watch
\`\`\`

The metrics of each sidecar are read through the API server, 32 at a time, those of pods that are ready first. What cannot be read, or not within 10 s and 8 MiB, is \`?\`, with the reason on standard error. After 30 s no other pod is asked, and standard error says how many are left.

A version other than that of this program is named: such pods get theirs when they are restarted ([upgrade](upgrade.md)). \`TOKEN\` is the oldest one in use. Requests and failures are counted since the sidecar started: errors of the sidecar, and 401, 403 and 5xx of partners.
\`MOSTLY\` is what most of them were (\`outbound-jwt explain\` has it).`,
  completion: `
\`\`\`sh
source <(outbound-jwt completion bash)
\`\`\`

In \`~/.bashrc\` or, with \`zsh\`, after \`compinit\` in \`~/.zshrc\` it is there in every shell.`,
}
