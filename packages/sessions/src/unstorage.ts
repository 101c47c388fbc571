export { UnstorageStore } from './stores/unstorage-store.ts'
export type { UnstorageSessionStorage, UnstorageStoreOptions } from './stores/unstorage-store.ts'
