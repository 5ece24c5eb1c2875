import { PROXY_CONTAINER, VERSION } from '@aws-outbound-jwt-injector/proxy/contract'
import { listAt, objectAt, objectsAt, textAt } from '../../injection/pod/json.ts'
import type { JsonObject } from '../../injection/pod/json.ts'
import type { Finding } from '../report.ts'
import { remedyOf } from '../rights.ts'
import type { Answer, Failure } from './answer.ts'
import { listedIn, nameOf, unread } from './answer.ts'
import { INSTALLATION } from './names.ts'

/** Where neither registration nor Deployment is there: what else is missing is no news. */
export const NOT_INSTALLED: Finding = {
  group: 'installation',
  verdict: 'fail',
  found: 'the injector is not installed in this cluster',
  fix: 'Install it; `outbound-jwt check --pre` says beforehand what is missing. Another cluster? --context names it.',
  page: 'install.md',
}

export function registrationFindings(hooks: Answer, registration: JsonObject | undefined): readonly Finding[] {
  const group = 'registration'
  if (!hooks.ok) return [unread(group, 'mutatingwebhookconfigurations', hooks)]
  const bad = (found: string, fix: string, page = 'certificates.md'): Finding => ({
    group,
    verdict: 'fail',
    found,
    fix,
    page,
  })
  const name = `MutatingWebhookConfiguration ${INSTALLATION}`
  if (!registration)
    return [
      bad(`${name} does not exist: no pod is injected`, 'Run helm upgrade, or apply install.yaml again.', 'install.md'),
    ]
  const entries = objectsAt(registration, 'webhooks')
  const pods = entries.find((entry) => textAt(entry, 'name') === 'pods.outbound-jwt.io')
  if (!pods)
    return [
      bad(
        `${name} has no entry pods.outbound-jwt.io`,
        'Run helm upgrade (Helm 4: with --force-conflicts, where somebody has changed it by hand), or apply install.yaml again.',
      ),
    ]
  const untrusted = entries.filter((entry) => !textAt(objectAt(entry, 'clientConfig'), 'caBundle'))
  return [
    {
      group,
      verdict: 'pass',
      found: `${name} has ${entries.length === 1 ? 'its entry' : `${entries.length} entries`}`,
    },
    textAt(pods, 'failurePolicy') === 'Fail'
      ? { group, verdict: 'pass', found: 'a pod that asks for a token does not start without the webhook' }
      : bad(
          'failurePolicy of pods.outbound-jwt.io is not Fail: without the webhook a pod that asks starts bare',
          'Run helm upgrade (Helm 4: with --force-conflicts), and find out who changed it.',
          'security.md',
        ),
    ...untrusted.map((entry) =>
      bad(
        `caBundle of ${textAt(entry, 'name') ?? 'an entry'} is empty: the API server does not trust the webhook`,
        "Look at the webhook's log for `certificate problem`; in mode self it writes caBundle within half a minute.",
      ),
    ),
  ]
}

export function webhookFindings(place: string, deployment: Answer): readonly Finding[] {
  const group = 'webhook'
  if (!deployment.ok && deployment.code !== 'not-found') return [unread(group, 'its Deployment', deployment)]
  if (!deployment.ok)
    return [
      {
        group,
        verdict: 'fail',
        found: `Deployment ${place}/${INSTALLATION} does not exist`,
        fix: 'Run helm upgrade, or apply install.yaml again.',
        page: 'install.md',
      },
    ]
  return [replicasFinding(place, deployment.value), versionFinding(deployment.value)]
}

function replicasFinding(place: string, deployment: JsonObject): Finding {
  const group = 'webhook'
  const wanted = Number(objectAt(deployment, 'spec')['replicas'] ?? 1)
  const ready = Number(objectAt(deployment, 'status')['readyReplicas'] ?? 0)
  const found = `${ready} of ${wanted} replicas are ready`
  const fix = `kubectl -n ${place} describe pods -l app.kubernetes.io/name=${INSTALLATION}`
  const page = 'troubleshooting.md'
  if (wanted === 0)
    return {
      group,
      verdict: 'fail',
      found,
      fix: `kubectl -n ${place} scale deployment/${INSTALLATION} --replicas=2`,
      page,
    }
  if (ready === 0) return { group, verdict: 'fail', found, fix, page }
  // A new revision whose pods do not start leaves those before it in place.
  const updated = Number(objectAt(deployment, 'status')['updatedReplicas'] ?? wanted)
  if (updated < wanted)
    return {
      group,
      verdict: 'warn',
      found: `${found}, but a rollout has come no further than ${updated} of ${wanted}`,
      fix,
      page,
    }
  if (ready < wanted) return { group, verdict: 'warn', found, fix, page }
  if (ready > 1) return { group, verdict: 'pass', found }
  return {
    group,
    verdict: 'warn',
    found: `${found}: while its node drains, pods that ask for a token wait`,
    fix: 'Set replicaCount of the chart to 2.',
    page: 'operations.md',
  }
}

function versionFinding(deployment: JsonObject): Finding {
  const version = textAt(objectAt(objectAt(deployment, 'metadata'), 'labels'), 'app.kubernetes.io/version')
  return version === VERSION
    ? { group: 'webhook', verdict: 'pass', found: `version ${VERSION}, as this program` }
    : {
        group: 'webhook',
        verdict: 'warn',
        found: `the webhook is of version ${version ?? 'unknown'}, this program of ${VERSION}`,
        fix: 'Upgrade the older one.',
        page: 'upgrade.md',
      }
}

const POLICIES = ['pods', 'registration', 'running-pods', 'namespace-label'].map((part) => `${INSTALLATION}-${part}`)
const REGISTRATION_POLICY = `${INSTALLATION}-registration`

/** Whether the webhook writes its registration, which only mode self does, and what the policy of that name is for. */
function isSelfCertified(deployment: Answer): boolean {
  if (!deployment.ok) return true
  const spec = objectAt(objectAt(objectAt(deployment.value, 'spec'), 'template'), 'spec')
  const variables = objectsAt(spec, 'containers').flatMap((container) => objectsAt(container, 'env'))
  const mode = variables.find((one) => textAt(one, 'name') === 'CERTIFICATE_MODE')
  return textAt(mode ?? {}, 'value') === 'self' || mode === undefined
}

/** @param deployment of the webhook, which says whether it has a registration to guard. */
export function guardFindings(policies: Answer, bindings: Answer, deployment: Answer): readonly Finding[] {
  const group = 'guard'
  if (!policies.ok) return [unread(group, 'validatingadmissionpolicies', policies)]
  if (!bindings.ok) return [unread(group, 'validatingadmissionpolicybindings', bindings)]
  const expected = POLICIES.filter((name) => name !== REGISTRATION_POLICY || isSelfCertified(deployment))
  return expected.map((name): Finding => {
    const bound = objectsAt(bindings.value, 'items').filter(
      (one) => textAt(objectAt(one, 'spec'), 'policyName') === name,
    )
    if (!listedIn(policies, name) || bound.length === 0)
      return {
        group,
        verdict: 'warn',
        found: `policy ${name} ${listedIn(policies, name) ? 'has no binding' : 'does not exist'}: what it guards is not checked`,
        fix: 'Run helm upgrade with its value under guard on, or apply install.yaml again.',
        page: 'security.md',
      }
    const actions = bound.flatMap((one) => listAt(objectAt(one, 'spec'), 'validationActions') ?? [])
    return { group, verdict: 'pass', found: `${bound.map(nameOf).join(', ')}: ${actions.join(', ')}` }
  })
}

/** Nothing but warnings is lost without them. */
export function warningFindings(hooks: Answer): readonly Finding[] {
  const group = 'warnings'
  const page = 'install.md'
  if (!hooks.ok) return [unread(group, 'validatingwebhookconfigurations', hooks)]
  const name = `ValidatingWebhookConfiguration ${INSTALLATION}`
  const registration = listedIn(hooks, INSTALLATION)
  if (!registration)
    return [
      {
        group,
        verdict: 'warn',
        found: `${name} does not exist: nobody is warned when a Deployment or Job is applied whose pods will be refused`,
        fix: 'Run helm upgrade with guard.workloads=Warn, or apply install.yaml again.',
        page,
      },
    ]
  const isTrusted = objectsAt(registration, 'webhooks').every((entry) =>
    Boolean(textAt(objectAt(entry, 'clientConfig'), 'caBundle')),
  )
  if (isTrusted)
    return [
      {
        group,
        verdict: 'pass',
        found: 'the author of a Deployment or Job is warned of what its pods will be refused for',
      },
    ]
  return [
    {
      group,
      verdict: 'warn',
      found: `caBundle of ${name} is empty: its warnings do not come`,
      fix: "Look at the webhook's log for `caBundle not written`; in mode self it writes caBundle within half a minute.",
      page: 'certificates.md',
    },
  ]
}

/** @param admitted what the API server made of a pod that asks for a token, without keeping it. */
export function admissionFindings(namespace: string, admitted: Answer): readonly Finding[] {
  const group = 'a pod that asks for a token'
  const page = 'troubleshooting.md'
  if (!admitted.ok && admitted.missingRight !== undefined) return [notAsked(group, admitted)]
  if (!admitted.ok)
    return [
      {
        group,
        verdict: 'fail',
        found: `namespace ${namespace} refuses it: ${admitted.message}`,
        fix: hintOf(admitted.message),
        page,
      },
    ]
  const sidecar = sidecarOf(admitted.value)
  return [
    sidecar
      ? {
          group,
          verdict: 'pass',
          found: `gets ${PROXY_CONTAINER} in namespace ${namespace} (${textAt(sidecar, 'image') ?? 'no image'})`,
        }
      : {
          group,
          verdict: 'fail',
          found: `is admitted in namespace ${namespace} without ${PROXY_CONTAINER}`,
          fix: "Is the namespace served (webhook.namespaceSelector of the chart; kube-system and the injector's own never are)?",
          page,
        },
  ]
}

/** RBAC refused the person who asks; nothing is known about the pod. */
const notAsked = (group: string, { message, missingRight }: Failure): Finding => ({
  group,
  verdict: 'skip',
  found: `not looked at, although no pod would have been kept: ${message}`,
  ...remedyOf(missingRight),
})

function hintOf(message: string): string {
  if (/x509|certificate/.test(message))
    return 'caBundle does not hold the certificate that the webhook serves: see group certificate. Outside of mode self nobody repairs it: run helm upgrade (Helm 4: with --force-conflicts).'
  if (/failed calling webhook/.test(message))
    return 'The API server does not reach the webhook: its Service, its pods, NetworkPolicies, firewalls between them.'
  return 'The message says what to change; another webhook, a policy or a quota may be the one that refuses.'
}

/** @param admitted what the API server made of a pod of this service account that names no role itself. */
export function accountFindings(account: string, admitted: Answer): readonly Finding[] {
  const group = 'role of the service account'
  const page = 'iam.md'
  const fix =
    'Annotate the service account with eks.amazonaws.com/role-arn, or associate a role by EKS Pod Identity; without EKS name role-arn and region on the pod.'
  if (!admitted.ok && admitted.missingRight !== undefined) return [notAsked(group, admitted)]
  if (!admitted.ok) return [{ group, verdict: 'fail', found: `${account}: ${admitted.message}`, fix, page }]
  const variables = objectsAt(sidecarOf(admitted.value) ?? {}, 'env')
  const role = variables.find((one) => textAt(one, 'name') === 'AWS_ROLE_ARN')
  const isIdentity = variables.some((one) => textAt(one, 'name') === 'AWS_CONTAINER_CREDENTIALS_FULL_URI')
  if (role) return [{ group, verdict: 'pass', found: `${account} has ${textAt(role, 'value') ?? 'a role'}` }]
  if (isIdentity) return [{ group, verdict: 'pass', found: `${account} has a role by EKS Pod Identity` }]
  return [{ group, verdict: 'fail', found: `${account} has no role that reaches the sidecar`, fix, page }]
}

const sidecarOf = (pod: JsonObject): JsonObject | undefined =>
  objectsAt(objectAt(pod, 'spec'), 'initContainers').find((one) => textAt(one, 'name') === PROXY_CONTAINER)
