// How does an application get the client? By its class, which stands for what createClient returns, or by a decorator
// where a parameter has the type `Client`.
import { Inject } from '@nestjs/common';
import type { Client } from '#client/index.js';

/** The client of the module's tenant. Inject it: `constructor(private readonly carillon: CarillonClient) {}`. */
export abstract class CarillonClient implements Client {
  abstract readonly enqueue: Client['enqueue'];
  abstract readonly enqueueAll: Client['enqueueAll'];
  abstract readonly result: Client['result'];
  abstract readonly cancel: Client['cancel'];
  abstract readonly retry: Client['retry'];
  abstract readonly logs: Client['logs'];
  abstract readonly schedules: Client['schedules'];
  abstract readonly operations: Client['operations'];
  abstract readonly locks: Client['locks'];
}

/** `constructor(@InjectClient() private readonly carillon: Client) {}`. */
export const InjectClient = (): ParameterDecorator & PropertyDecorator => Inject(CarillonClient);
