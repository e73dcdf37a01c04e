// The routes by which an operator observes the cluster and acts on it.
import { Module } from '@nestjs/common';
import { ClusterController } from './cluster.controller.js';
import { OperationsController } from './operations.controller.js';

@Module({ controllers: [ClusterController, OperationsController] })
export class ClusterModule {}
