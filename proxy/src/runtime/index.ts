// How a process of ours runs; shared by the proxy and the webhook.
export * from './settings.ts'
export * from './addresses.ts'
export * from './logger.ts'
export * from './metrics.ts'
export * from './admin.ts'
export * from './lifecycle.ts'
export * from './key-pair.ts'
export * from './listen.ts'
