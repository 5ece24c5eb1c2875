export { createEmulator } from './emulator.ts'
export type { Emulator } from './emulator.ts'
export type { ClusterOptions, EmulatorOptions, MintingPolicy, RoleOptions } from './options.ts'
export type { RecordedCall } from './sts/sts.ts'
