import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
// Without it Nest ends nothing on SIGTERM, and the runs under way would be tried again elsewhere.
app.enableShutdownHooks();
await app.listen(process.env['PORT'] ?? 3000);
