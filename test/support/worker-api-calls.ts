// What can be asked of the API about work outside of the replicas? At least one successful call of every operation, by
// its name in the API's description, in an order in which they succeed.
import type { Response } from 'supertest';
import { z } from 'zod';
import { registerWorker } from './pull-worker.js';
import { createRun, type TestTenant } from './test-tenant.js';

type Call = () => PromiseLike<Response>;

export async function workerCalls(tenant: TestTenant): Promise<Record<string, Call[]>> {
  const T = '/api/v1/tenants/{tenant}';
  const { api, path } = tenant;
  const worker = await registerWorker(tenant);
  const { jobType, workerId } = worker;
  for (let runs = 0; runs < 5; runs += 1) await createRun(tenant, { jobType, payload: { any: ['thing'] } });
  const completed = await worker.take();
  const failed = await worker.take();
  const snoozed = await worker.take();
  const released = await worker.take();
  const cancelled = await worker.take();
  const secrets = `${path}/webhook-secrets`;
  const secret = z.looseObject({ id: z.uuid() }).parse((await api.post(secrets).send({}).expect(201)).body);
  const schedules = [{ name: 'described-in-code', spec: { cron: '0 0 1 1 *' } }];
  const define = (body: object) => api.post(`${path}/worker/schedules:define`).send(body);
  const steer = (verb: string) => [() => api.post(`${path}/worker/workers/${workerId}:${verb}`)];
  return {
    [`post ${T}/worker/workers:register`]: [
      () =>
        api
          .post(`${path}/worker/workers:register`)
          .send({ name: 'described', jobTypes: [{ name: jobType }] }),
    ],
    [`post ${T}/worker/schedules:define`]: [() => define({ jobTypes: [{ name: jobType, schedules }] })],
    [`get ${T}/worker/workers`]: [() => api.get(`${path}/worker/workers`)],
    [`post ${T}/worker/leases/{token}:heartbeat`]: [() => worker.say(completed, 'heartbeat')],
    [`post ${T}/worker/leases/{token}/logs`]: [
      () =>
        api
          .post(`${path}/worker/leases/${completed.token}/logs`)
          .type('application/x-ndjson')
          .send('{"message":"described"}'),
    ],
    [`post ${T}/worker/leases/{token}:previousFire`]: [() => worker.say(completed, 'previousFire', {})],
    [`post ${T}/worker/leases/{token}:complete`]: [() => worker.say(completed, 'complete', { output: [1] })],
    [`post ${T}/worker/leases/{token}:fail`]: [
      () => worker.say(failed, 'fail', { error: { message: 'no' } }),
    ],
    [`post ${T}/worker/leases/{token}:snooze`]: [() => worker.say(snoozed, 'snooze', { seconds: 600 })],
    [`post ${T}/worker/leases/{token}:release`]: [() => worker.say(released, 'release')],
    [`post ${T}/worker/leases/{token}:cancel`]: [() => worker.say(cancelled, 'cancel', {})],
    [`post ${T}/worker/leases:acquire`]: [
      () =>
        api
          .post(`${path}/worker/leases:acquire`)
          .send({ workerId, jobTypes: [jobType], waitSeconds: 10, requestId: 'described' }),
    ],
    [`post ${T}/worker/workers/{worker}:heartbeat`]: steer('heartbeat'),
    [`post ${T}/worker/workers/{worker}:quiet`]: steer('quiet'),
    [`post ${T}/worker/workers/{worker}:run`]: steer('run'),
    [`post ${T}/worker/workers/{worker}:terminate`]: steer('terminate'),
    [`post ${T}/worker/workers/{worker}:deregister`]: steer('deregister'),
    [`get ${T}/webhook-secrets`]: [() => api.get(secrets)],
    [`post ${T}/webhook-secrets:rotate`]: [() => api.post(`${secrets}:rotate`).send({})],
    [`delete ${T}/webhook-secrets/{secret}`]: [() => api.delete(`${secrets}/${secret.id}`)],
    [`post ${T}/webhook-secrets`]: [() => api.post(secrets).send({})],
  };
}
