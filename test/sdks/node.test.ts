import { join } from 'node:path'
import { CACHE, npm } from '../clients/tools.ts'
import { SUBJECT, VENDORS } from '../partner-emulators/cases.ts'
import { FORGEROCK } from '../partner-emulators/vendors/forgerock.ts'
import { testSdks } from './suite.ts'

const { entra, google } = VENDORS
const PACKAGES = { '@azure/identity': '4.14.1', 'google-auth-library': '11.3.4', 'openid-client': '6.9.0' } as const
const preload = (file: string): readonly string[] => ['--import', join(import.meta.dirname, '../support', file)]

testSdks({
  name: 'Node.js',
  tool: npm(PACKAGES, 'npm-sdks', join(import.meta.dirname, 'programs')),
  command: [
    process.execPath,
    ...preload('resolve.mjs'),
    ...preload('redirect-ports.mjs'),
    join(CACHE.directory, 'npm-sdks/programs/sdks.mjs'),
  ],
  rows: [
    { name: 'azure', file: { name: 'azure', sdk: { azure: { clientId: entra.clientId, tenantId: entra.tenantId } } } },
    {
      name: 'google',
      file: { name: 'google', sdk: { google: { audience: google.audience, serviceAccount: google.serviceAccount } } },
      environment: { GOOGLE_CLOUD_PROJECT: 'orders' },
    },
    {
      name: 'openid-client',
      file: { name: 'forgerock', audience: [FORGEROCK.tokenUrl] },
      environment: { CLIENT_ID: SUBJECT, TOKEN_ENDPOINT: FORGEROCK.tokenUrl },
    },
  ],
})
