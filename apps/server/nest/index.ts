// The exports of 'carillon-server/nest': the module, and with it all of 'carillon', so that an application with a replica
// needs no second package. Its JobHandler is that of replicas: a method may ask for the whole context.
export * from '#client/index.js';
export { failAttempt } from '#execution/runs/attempt-scope.js';
export { CarillonReplica } from './carillon-replica.js';
export { CarillonReplicaModule } from './replica-module.js';
export type { CarillonReplicaAsyncOptions } from './replica-module.js';
export type { CarillonReplicaOptions } from './replica-options.js';
