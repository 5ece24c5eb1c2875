import { checkList, checkObject, checked, text } from '../admin/fields.ts'

/** An EKS Pod Identity association: which role the pods of a service account get. */
export interface PodIdentityAssociation {
  readonly namespace: string
  readonly serviceAccount: string
  readonly roleArn: string
}

export interface PodIdentityAssociations {
  /** Replaces all. @throws TypeError that names what is wrong with them. */
  set(associations: unknown): void
  list(): readonly PodIdentityAssociation[]
}

const FIELDS = { required: { namespace: text, serviceAccount: text, roleArn: text } }

export function createAssociations(initial: readonly PodIdentityAssociation[]): PodIdentityAssociations {
  let associations = initial
  return {
    set: (value) => {
      associations = checked(value, (items, report) =>
        checkList(items, (item, where) => void checkObject(item, FIELDS, where, report), 'associations', report),
      ) as readonly PodIdentityAssociation[]
    },
    list: () => associations,
  }
}
