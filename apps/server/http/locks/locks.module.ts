// The routes of named locks.
import { Module } from '@nestjs/common';
import { HoldsController } from './holds.controller.js';
import { LockRoom } from './lock-room.js';
import { LockWaiters } from './lock-waiters.js';
import { LocksController } from './locks.controller.js';

@Module({ controllers: [HoldsController, LocksController], providers: [LockRoom, LockWaiters] })
export class LocksModule {}
