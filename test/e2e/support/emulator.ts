import { WORLD } from './names.ts'
import { deleteRaw, replaceRaw } from './kubectl.ts'

/** The emulator's admin API, through the API server: it works from wherever kubectl does. test/aws-emulator/README.md */
const ADMIN = `/api/v1/namespaces/${WORLD}/services/http:aws-emulator:80/proxy/_admin`

/** What STS does from now on. */
export async function setFaults(faults: readonly object[]): Promise<void> {
  await replaceRaw(`${ADMIN}/faults`, faults)
}

export async function setState(state: object): Promise<void> {
  await replaceRaw(`${ADMIN}/state`, state)
}

export async function clearFaults(): Promise<void> {
  await deleteRaw(`${ADMIN}/faults`)
}

/** Replaces the roles of the account. */
export async function setRoles(roles: readonly object[]): Promise<void> {
  await replaceRaw(`${ADMIN}/roles`, roles)
}
