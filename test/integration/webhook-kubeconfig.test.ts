import { expect } from 'chai'
import { describe, it } from 'mocha'
import { startNode } from '../support/process.ts'
import { WEBHOOK_COMMAND } from '../support/webhook.ts'

const SELF = {
  PROXY_IMAGE: 'registry.example/proxy:1',
  POD_NAMESPACE: 'system',
  CERTIFICATE_HOSTS: 'webhook.system.svc',
  LISTEN_ADDR: '127.0.0.1:0',
  ADMIN_LISTEN_ADDR: '127.0.0.1:0',
}

describe('webhook process that makes its own certificate', () => {
  for (const [where, env, says] of [
    ['in a pod without a token', {}, 'automountServiceAccountToken: true'],
    ['with a kubeconfig that is not there', { KUBECONFIG: '/nonexistent' }, 'a readable kubeconfig'],
  ] as const) {
    it(`ends with 64 ${where}, and says what it needs`, async () => {
      const process = startNode(WEBHOOK_COMMAND, { ...SELF, ...env })
      expect(await process.exited).to.deep.equal({ status: 64, signal: null })
      expect(process.output()).to.include('KUBECONFIG').and.to.include(says).and.to.include('CERTIFICATE_MODE=self')
    })
  }
})
