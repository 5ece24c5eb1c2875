import { join } from 'node:path'
import { CACHE, python } from '../clients/tools.ts'
import { VENDORS } from '../partner-emulators/cases.ts'
import { ALIBABA } from '../partner-emulators/vendors/alibaba.ts'
import { ANTHROPIC } from '../partner-emulators/vendors/anthropic.ts'
import { KAFKA } from '../partner-emulators/vendors/kafka.ts'
import { SNOWFLAKE } from '../partner-emulators/vendors/snowflake.ts'
import { VAULT } from '../partner-emulators/vendors/vault.ts'
import { testSdks } from './suite.ts'

const { entra, databricks, google } = VENDORS

testSdks({
  name: 'Python',
  tool: python(
    [
      'alibabacloud-credentials==1.0.12',
      'anthropic==2.14.0',
      'azure-identity==1.27.0',
      'confluent-kafka==2.16.1',
      'databricks-sdk==0.162.0',
      'google-auth[requests]==2.63.0',
      'hvac==2.4.0',
      'snowflake-connector-python==5.2.0',
    ],
    'python-sdks',
  ),
  command: [join(CACHE.directory, 'python-sdks/bin/python'), '-B', join(import.meta.dirname, 'programs/sdks.py')],
  rows: [
    { name: 'azure', file: { name: 'azure', sdk: { azure: { clientId: entra.clientId, tenantId: entra.tenantId } } } },
    {
      name: 'google',
      file: { name: 'google', sdk: { google: { audience: google.audience, serviceAccount: google.serviceAccount } } },
      environment: { GOOGLE_CLOUD_PROJECT: 'orders' },
    },
    {
      name: 'databricks',
      file: {
        name: 'databricks',
        audience: [databricks.accountId],
        sdk: { databricks: { host: databricks.host, clientId: databricks.clientId } },
      },
    },
    {
      name: 'alibaba',
      file: {
        name: 'alibaba',
        source: 'kubernetes',
        audience: [ALIBABA.audience],
        sdk: { alibaba: { roleArn: ALIBABA.roleArn, oidcProviderArn: ALIBABA.oidcProviderArn } },
      },
    },
    { name: 'anthropic', file: { name: 'anthropic', sdk: { anthropic: ANTHROPIC } } },
    { name: 'vault', file: { name: 'vault', audience: [VAULT.audience] } },
    {
      name: 'snowflake',
      file: { name: 'snowflake', audience: [SNOWFLAKE.audience] },
      environment: { SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES: 'localhost' },
    },
    { name: 'kafka', file: { name: 'kafka', audience: [KAFKA.audience] } },
  ],
})
