import type { JWTPayload } from 'jose'
import type { Account } from '../account/account.ts'
import { isObject } from '../admin/fields.ts'

/** The pod that a projected token is bound to. */
export interface PodReference {
  readonly namespace: string
  readonly serviceAccount: string
  readonly name: string
  readonly uid: string
}

/** @returns the pod of a token, or undefined when it is bound to none. */
export function podOf(claims: JWTPayload): PodReference | undefined {
  const kubernetes = claims['kubernetes.io']
  if (!isObject(kubernetes)) return undefined
  const { namespace, pod, serviceaccount } = kubernetes
  if (typeof namespace !== 'string' || !isObject(pod) || !isObject(serviceaccount)) return undefined
  const [name, uid, serviceAccount] = [pod['name'], pod['uid'], serviceaccount['name']].map(String)
  return { namespace, serviceAccount: serviceAccount ?? '', name: name ?? '', uid: uid ?? '' }
}

const CLUSTER_NAME = 'emulated'

/** The session tags that EKS sets; they show in `principal_tags` of outbound tokens. */
export const sessionTags = (pod: PodReference, { accountId, region }: Account): Readonly<Record<string, string>> => ({
  'eks-cluster-arn': `arn:aws:eks:${region}:${accountId}:cluster/${CLUSTER_NAME}`,
  'eks-cluster-name': CLUSTER_NAME,
  'kubernetes-namespace': pod.namespace,
  'kubernetes-service-account': pod.serviceAccount,
  'kubernetes-pod-name': pod.name,
  'kubernetes-pod-uid': pod.uid,
})
