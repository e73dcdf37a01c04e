// The exports of 'carillon/nest': the module, and what is injected or decorated in an application that imports it.
// Nest is the application's own; nothing else of the package loads it.
export { CarillonModule } from './carillon-module.js';
export type { CarillonAsyncOptions } from './carillon-module.js';
export type { CarillonOptions, WorkerRoleOptions } from './options.js';
export { CarillonClient, InjectClient } from './client-token.js';
export { CarillonHealth } from './carillon-health.js';
export type { WorkerState } from './carillon-health.js';
export { JobHandler } from './job-handler.js';
