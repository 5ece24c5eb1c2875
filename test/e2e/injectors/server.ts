// Stand-ins for other mutating webhooks: EKS's identity hook and two meshes. Each path is one of them.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { INJECTORS, runnable } from './injectors.ts'

interface Review {
  readonly request: { readonly uid: string; readonly object: { readonly metadata: object; readonly spec: object } }
}

const image = process.env['IMAGE'] ?? ''
const cert = readFileSync('/tls/tls.crt')
const key = readFileSync('/tls/tls.key')

const server = createServer({ cert, key, keepAliveTimeout: 120_000 }, (request, response) => {
  const inject = INJECTORS[new URL(request.url ?? '/', 'https://unused').pathname]
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (!inject) {
      response.writeHead(404).end()
      return
    }
    const { uid, object } = (JSON.parse(Buffer.concat(chunks).toString()) as Review).request
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer(uid, object, runnable(inject(object), image))))
  })
})
server.listen(8443, () => process.stdout.write('{"msg":"listening"}\n'))
process.on('SIGTERM', () => process.exit(0))

/** Replaces the whole spec, as hooks built on typed structs do. */
function answer(uid: string, before: Review['request']['object'], after: Review['request']['object']): object {
  const patch = [
    { op: 'replace', path: '/metadata', value: after.metadata },
    { op: 'replace', path: '/spec', value: after.spec },
  ]
  const changed = JSON.stringify(before) !== JSON.stringify(after)
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed: true,
      ...(changed && { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
    },
  }
}
