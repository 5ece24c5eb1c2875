import { objectAt, objectsAt, textAt } from '../../injection/pod/json.ts'
import type { JsonObject } from '../../injection/pod/json.ts'
import type { Finding } from '../report.ts'
import type { Answer } from './answer.ts'
import { listedIn, nameOf, unread } from './answer.ts'
import { EKS_HOOK, INSTALLATION, NAMESPACE } from './names.ts'

/** As `kubeVersion` of the chart has it. */
export const OLDEST_MINOR = 32

/** What an installation creates. */
export const RIGHTS = [
  { group: '', resource: 'namespaces', namespaced: false },
  { group: '', resource: 'serviceaccounts', namespaced: true },
  { group: '', resource: 'services', namespaced: true },
  { group: '', resource: 'secrets', namespaced: true },
  { group: 'apps', resource: 'deployments', namespaced: true },
  { group: 'policy', resource: 'poddisruptionbudgets', namespaced: true },
  { group: 'rbac.authorization.k8s.io', resource: 'roles', namespaced: true },
  { group: 'rbac.authorization.k8s.io', resource: 'rolebindings', namespaced: true },
  { group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespaced: false },
  { group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings', namespaced: false },
  { group: 'admissionregistration.k8s.io', resource: 'mutatingwebhookconfigurations', namespaced: false },
  { group: 'admissionregistration.k8s.io', resource: 'validatingwebhookconfigurations', namespaced: false },
  { group: 'admissionregistration.k8s.io', resource: 'validatingadmissionpolicies', namespaced: false },
  { group: 'admissionregistration.k8s.io', resource: 'validatingadmissionpolicybindings', namespaced: false },
] as const

export function clusterFindings(version: JsonObject, resources: Answer): readonly Finding[] {
  const group = 'cluster'
  const git = textAt(version, 'gitVersion') ?? 'an unknown version'
  const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(git) ?? []
  const isNew = Number(major) > 1 || Number(minor) >= OLDEST_MINOR
  const hasPolicies =
    resources.ok && objectsAt(resources.value, 'resources').some((one) => one['name'] === 'validatingadmissionpolicies')
  return [
    isNew
      ? { group, verdict: 'pass', found: `Kubernetes ${git}` }
      : {
          group,
          verdict: 'fail',
          found: `Kubernetes ${git} is older than 1.${OLDEST_MINOR}`,
          fix: 'Upgrade the cluster.',
          page: 'install.md',
        },
    hasPolicies
      ? { group, verdict: 'pass', found: 'policies are served (admissionregistration.k8s.io/v1)' }
      : {
          group,
          verdict: 'fail',
          found:
            'ValidatingAdmissionPolicy of admissionregistration.k8s.io/v1 is not served: the guard cannot be installed',
          fix: 'Enable the API: without it the chart cannot be installed, because its guard is made of such policies.',
          page: 'security.md',
        },
  ]
}

/** Hooks run in the order of their names; EKS's must see the sidecar. */
export function hookFindings(hooks: Answer): readonly Finding[] {
  const group = 'webhook order'
  if (!hooks.ok) return [unread(group, 'mutatingwebhookconfigurations', hooks)]
  const names = objectsAt(hooks.value, 'items').map(nameOf)
  const eks = names.filter((name) => name.includes('pod-identity'))
  const early = eks.find((name) => name < INSTALLATION)
  if (early !== undefined)
    return [
      {
        group,
        verdict: 'fail',
        found: `${early} runs before ${INSTALLATION}, so a role that it hands out does not reach the sidecar`,
        fix: `Give it a name that sorts later, such as ${EKS_HOOK}.`,
        page: 'other-injectors.md',
      },
    ]
  if (eks.length > 0) return [{ group, verdict: 'pass', found: `${eks.join(', ')} runs after ${INSTALLATION}` }]
  return [
    {
      group,
      verdict: 'warn',
      found: `there is no ${EKS_HOOK}: roles of service accounts do not reach pods here`,
      fix: 'On EKS find out who removed it; elsewhere annotate pods with role-arn and region.',
      page: 'iam.md',
    },
  ]
}

/** @param reviews in the order of `RIGHTS`. */
export function permissionFindings(reviews: readonly Answer[]): readonly Finding[] {
  const group = 'permissions'
  const denied = RIGHTS.filter((_, index) => !isAllowed(reviews[index])).map(({ resource }) => resource)
  if (denied.length === 0) return [{ group, verdict: 'pass', found: 'you may create everything that the chart makes' }]
  return [
    {
      group,
      verdict: 'fail',
      found: `you may not create ${denied.join(', ')}`,
      fix: 'Install as cluster-admin.',
      page: 'install.md',
    },
  ]
}

const isAllowed = (review: Answer | undefined): boolean =>
  review?.ok === true && objectAt(review.value, 'status')['allowed'] === true

export function placeFindings(place: Answer, hooks: Answer): readonly Finding[] {
  const group = 'namespace'
  const findings: Finding[] = []
  if (!place.ok && place.code !== 'not-found') findings.push(unread(group, NAMESPACE, place))
  else
    findings.push({
      group,
      verdict: 'pass',
      found: place.ok ? `${NAMESPACE} is there` : `${NAMESPACE} is free: helm makes it with --create-namespace`,
    })
  if (listedIn(hooks, INSTALLATION))
    findings.push({
      group,
      verdict: 'warn',
      found: `MutatingWebhookConfiguration ${INSTALLATION} is there already: one installation in a cluster`,
      fix: 'Upgrade it, or uninstall it first.',
      page: 'upgrade.md',
    })
  return findings
}
