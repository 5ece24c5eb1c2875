// What the webhook may say to the sidecar, owned by the side that obeys it. Nothing here depends on a library or on Node.
export * from './contract/names.ts'
export * from './contract/problem.ts'
export * from './contract/parsers.ts'
export * from './contract/iam.ts'
export * from './contract/host-pattern.ts'
export * from './contract/route.ts'
export * from './contract/route-fields.ts'
export * from './contract/routes.ts'
