import { readFileSync } from 'node:fs'

/** What an API server asks, and how often in the test of latency. */
export interface Shape {
  readonly name: string
  readonly body: string
  readonly perSecond: number
}

interface Review {
  readonly request: { readonly object: { readonly metadata: object; readonly spec: object } }
}

const recorded = JSON.parse(
  readFileSync('test/fixtures/reviews/admissionreview-kubernetes-1.36.json', 'utf8'),
) as Review

function withPod(metadata: object, spec: object): string {
  const { request } = recorded
  return JSON.stringify({ ...recorded, request: { ...request, object: { ...request.object, metadata, spec } } })
}

const container = (index: number): object => ({
  name: `worker-${index}`,
  image: 'registry.example/worker:1',
  env: Array.from({ length: 10 }, (_, n) => ({ name: `VARIABLE_${n}`, value: 'x'.repeat(20) })),
  ports: [{ name: 'http', containerPort: 8000 + index, protocol: 'TCP' }],
  resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '64Mi' } },
})

/** The first carries the bars. */
export const SHAPES: readonly Shape[] = [
  { name: 'a pod as an API server sent it', body: JSON.stringify(recorded), perSecond: 200 },
  {
    name: 'a small pod, left alone',
    body: withPod(
      { name: 'small', annotations: { 'outbound-jwt.io/inject': 'false' } },
      { containers: [{ name: 'small', image: 'registry.example/small:1' }] },
    ),
    perSecond: 200,
  },
  {
    name: 'a pod of 200 containers',
    body: withPod(recorded.request.object.metadata, {
      containers: Array.from({ length: 200 }, (_, n) => container(n)),
    }),
    perSecond: 20,
  },
]
