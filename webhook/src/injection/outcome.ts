import type { Problem, Report } from '@aws-outbound-jwt-injector/proxy/contract'
import { printable } from '@aws-outbound-jwt-injector/proxy/contract'

/** Every outcome of a decision: metric label, log field, audit annotation and row of docs/reasons.md. They never change. */
export const REASONS = {
  injected: 'The pod gets the sidecar and the variables.',
  repaired:
    'Another injector dropped or changed something that injection had added, or added a container; the pod has all of it again.',
  unchanged: 'The pod carries its sidecar, and everything else that its annotations give.',
  'not-requested': 'The pod has no annotation under outbound-jwt.io/, and its namespace is not opted in.',
  'not-created': 'Not the creation of a pod.',
  workload:
    'Not a pod, but what makes pods, such as a Deployment: its author is warned of what its pods would be refused for, or warned of. It is always let through.',
  'mirror-pod': 'A static pod of the kubelet: it cannot be changed.',
  'opted-out': 'outbound-jwt.io/inject is false or disabled.',
  'no-role':
    'Only the namespace of the pod asked, and nothing gave the pod an AWS role so far; it is injected as soon as EKS does. Others need a role or an annotation, or no token.',
  'no-audience': 'Neither hosts, audience nor routes name a partner, and there are no token-files.',
  'missing-inject':
    'The pod has an annotation under outbound-jwt.io/ and not outbound-jwt.io/inject, which is probably misspelt.',
  'invalid-annotation': 'An annotation or label under outbound-jwt.io/ has a key or a value that is not allowed.',
  'missing-region':
    'role-arn without a region on the pod or in the chart; STS has no global endpoint for these tokens.',
  'stale-injection': 'The pod carries a sidecar that was made from other annotations than it has now.',
  'forged-injection':
    'The pod carries a sidecar with something that its annotations and the chart do not give, or without something that they give.',
  'lost-sidecar':
    'The pod carries the status and the variables of an injection, and the sidecar they belong to is gone.',
  'invalid-pod': 'A field that injection touches does not have the type the Pod API gives it.',
  'too-large':
    'More containers, longer names or more variables than the API server stores in a pod, or more than 256 KiB of NO_PROXY.',
  'policy-denied': 'The policy of the cluster does not grant the namespace what the pod asks for.',
  'host-network': 'With hostNetwork the sidecar would listen on the node, for every other pod there.',
  windows: 'The sidecar is a Linux program.',
  'name-conflict':
    'The pod already has a container or volume under a name that injection needs, or one of its containers mounts a volume of the sidecar.',
  'port-conflict': 'A container of the pod already uses a port that the sidecar needs.',
  'unknown-container':
    'containers or skip-containers name a container that is not there, or one that starts before the sidecar.',
  'host-alias-conflict': 'With steering: hosts, hostAliases of the pod already say where a partner is.',
  'sysctl-conflict':
    'With steering: hosts, the pod sets net.ipv4.ip_unprivileged_port_start to something other than 0.',
  'env-conflict':
    'A container already sets HTTP_PROXY (HTTPS_PROXY where https is intercepted) and env-policy does not say what to do; with chain, none that the sidecar can take over; with steering: hosts, a proxy that NO_PROXY does not keep from partners.',
  'trust-conflict':
    'https is intercepted, a container already chooses what it trusts or how Java calls https, and env-policy does not say what to do.',
  'mount-conflict':
    'https is intercepted, and a container mounts something where the files go that it then trusts; or, with steering: hosts, a hosts file of its own.',
  'no-proxy-conflict': 'NO_PROXY covers a partner host: its calls would silently go without a token.',
  'no-container': 'No container is left that gets the variables.',
} as const

export type Reason = keyof typeof REASONS

/** Outcomes that refuse nobody, with the decision they come with. */
export const OUTCOMES = {
  injected: 'inject',
  repaired: 'repair',
  unchanged: 'allow',
  'not-requested': 'allow',
  'not-created': 'allow',
  workload: 'allow',
  'mirror-pod': 'allow',
  'opted-out': 'allow',
  'no-role': 'allow',
} as const satisfies Partial<Record<Reason, string>>

/** Reasons for which a pod that asked is refused, and a pod whose namespace asked is left alone. */
export type RefusalReason = Exclude<Reason, keyof typeof OUTCOMES>

/** What to do about a refusal, where the message of the pod does not say all of it: the last column of docs/reasons.md. */
export const REMEDIES: Readonly<Record<RefusalReason, string>> = {
  'no-audience': 'Add `hosts`, or an `audience` that is an https URL.',
  'missing-inject': "Add `inject: 'true'`; if it is there, its spelling is wrong.",
  'invalid-annotation': 'Correct what the message names; `outbound-jwt lint` finds it before the cluster does.',
  'missing-region': 'Add `region`, or set `sidecar.region` in the values of the chart.',
  'stale-injection':
    'Apply the manifest from before the injection, or run `outbound-jwt inject` on it again; not its earlier output, nor a copy of a running pod.',
  'forged-injection':
    'Apply the manifest from before the injection. Another webhook changes what the message names? Exclude container `aws-outbound-jwt-proxy` there. `sidecar.extraEnv` sets variables of all sidecars.',
  'lost-sidecar':
    '`kubectl debug --copy-to` with `--keep-init-containers=true --keep-startup=true`, or without `--keep-annotations` for a copy that gets no tokens; else the manifest from before the injection.',
  'invalid-pod': 'Correct the field; the API server refuses it as well.',
  'too-large': 'Name fewer containers in `containers`, or shorten what the message names.',
  'policy-denied':
    'Ask for what the message says the namespace may have, or ask those who keep the policy (`policy.rules` of the chart, [policy](policy.md)) for a rule. One rule must grant the whole route.',
  'host-network': 'Take hostNetwork away, or give the call to a pod without it.',
  windows: 'Run the workload on Linux nodes.',
  'name-conflict': 'Rename the container or the volume, or remove the mount.',
  'port-conflict':
    "Choose others with `proxy-port` and `admin-port`; 15402 is always the sidecar's. With `steering: hosts` so are 80 and the TLS ports of intercepted partners: let the container listen elsewhere, or use `steering: proxy`.",
  'unknown-container': 'Name containers of this pod; init containers only when they start after the sidecar.',
  'host-alias-conflict': 'Take the name out of `spec.hostAliases`, or use `steering: proxy`.',
  'sysctl-conflict': 'Remove the sysctl, set it to 0, or use `steering: proxy`.',
  'env-conflict':
    "`env-policy: override` uses the sidecar; `keep` leaves the container's own proxy, without a token; `chain` uses the sidecar, which then leaves by that proxy ([egress proxy](egress-proxy.md#the-proxy-that-a-pod-has-already)). With `steering: hosts`: write the partners into the container's NO_PROXY, or take the proxy away.",
  'trust-conflict':
    "`env-policy: override` trusts public authorities, `extra-ca` and the pod's own; `keep` leaves the container as it is, without a token.",
  'mount-conflict':
    'Mount it elsewhere, or leave the container out with `skip-containers`. For a hosts file: `spec.hostAliases`, or `steering: proxy`.',
  'no-proxy-conflict':
    "Take the entry that the message names out of the container's NO_PROXY or the annotation `no-proxy`.",
  'no-container':
    'Name one in `containers`, take it out of `skip-containers`, or let `env-policy` override its HTTP_PROXY.',
}

/** Collects everything that stands against an injection. */
export interface Refusals {
  /** Reports one problem of this reason. */
  readonly report: (reason: RefusalReason, problem: Problem) => void
  /** @returns a reporter for parsers that know nothing of reasons. */
  readonly as: (reason: RefusalReason) => Report
  /** In order of discovery, at most `MOST_PROBLEMS`. */
  readonly problems: readonly Problem[]
  /** Whether what is reported from now on is dropped, so that nobody needs to look for it. */
  readonly isFull: () => boolean
  /** The reason of the first problem. */
  readonly reason: () => RefusalReason | undefined
}

/** A hostile pod could earn thousands; nobody reads more than these. */
const MOST_PROBLEMS = 40
/** Names are not validated yet when we see them, so one may be as long as the request. */
const LONGEST_PROBLEM = { where: 200, allowed: 1000 } as const

export function createRefusals(): Refusals {
  const problems: Problem[] = []
  let first: RefusalReason | undefined
  const isFull = (): boolean => problems.length === MOST_PROBLEMS
  const report = (reason: RefusalReason, { where, value, allowed }: Problem): void => {
    first ??= reason
    if (!isFull())
      problems.push({
        where: where.slice(0, LONGEST_PROBLEM.where),
        value,
        allowed: allowed.slice(0, LONGEST_PROBLEM.allowed),
      })
  }
  return {
    report,
    as: (reason) => (problem) => report(reason, problem),
    problems,
    isFull,
    reason: () => first,
  }
}

export type Warn = (text: string) => void

/** What the API server passes on without cutting. Source: apiserver/pkg/warning. */
const LONGEST_WARNING = 256
export const MOST_WARNINGS = 16

/** @returns the text as the API server passes it on: one line of ASCII, at most 256 bytes. */
export function warningLine(text: string): string {
  const line = printable(text.slice(0, LONGEST_WARNING + 1))
  return line.length <= LONGEST_WARNING ? line : `${line.slice(0, LONGEST_WARNING - 3)}...`
}

/** Collects warnings, each once, at most 16. */
export function createWarnings(): { readonly warn: Warn; readonly lines: () => readonly string[] } {
  const lines = new Set<string>()
  return {
    warn: (text) => {
      if (lines.size < MOST_WARNINGS) lines.add(warningLine(text))
    },
    lines: () => [...lines],
  }
}
