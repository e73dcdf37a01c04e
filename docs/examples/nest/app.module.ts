// The application: its worker runs the methods with @JobHandler of all its providers.
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { CarillonHealth, CarillonModule } from 'carillon/nest';
import { Invoices, Mailer } from './invoices.js';

@Controller()
class InvoicesController {
  constructor(
    private readonly invoices: Invoices,
    private readonly health: HealthCheckService,
    private readonly carillon: CarillonHealth,
  ) {}

  @Post('invoices')
  async create(@Body() { to }: { to: string }) {
    return { run: await this.invoices.order(to) };
  }

  @Get('health')
  check() {
    return this.health.check([() => this.carillon.check()]);
  }
}

@Module({
  imports: [
    TerminusModule,
    CarillonModule.forRootAsync({
      useFactory: () => ({
        url: process.env['CARILLON_URL'] ?? 'http://localhost:8080',
        tenant: process.env['CARILLON_TENANT'] ?? 'acme',
        key: process.env['CARILLON_KEY'],
        worker: { concurrency: 10 },
      }),
    }),
  ],
  controllers: [InvoicesController],
  providers: [Invoices, Mailer],
})
export class AppModule {}
