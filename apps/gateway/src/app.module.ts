import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Bus } from '@bailiwick/messaging/connect';
import { ActionsModule } from './actions/actions.module';
import { ApprovalsModule } from './approvals/approvals.module';
import { AuthModule } from './auth/auth.module';
import { AuthzenModule } from './authzen/authzen.module';
import { BudgetsModule } from './budgets/budgets.module';
import { BUS } from './config';
import { ConnectionsModule } from './connections.module';
import { ConsoleModule } from './console/console.module';
import { EnforcementModule } from './enforcement/enforcement.module';
import { ErasuresModule } from './erasures/erasures.module';
import { EventsModule } from './events/events.module';
import { HttpModule } from './http/http.module';
import { KeysModule } from './keys/keys.module';
import { McpModule } from './mcp/mcp.module';
import { LogClientModule } from './log-client/log-client.module';
import { MineModule } from './mine/mine.module';
import { OAuthModule } from './oauth/oauth.module';
import { PoliciesModule } from './policies/policies.module';
import { RebuildsModule } from './rebuilds/rebuilds.module';
import { ReceiptsModule } from './receipts/receipts.module';
import { RepairsModule } from './repairs/repairs.module';
import { ReplaysModule } from './replays/replays.module';
import { RefusalReports } from './reporting/refusal-reports';
import { ReportingModule } from './reporting/reporting.module';
import { RevocationsModule } from './revocations/revocations.module';
import { RunsModule } from './runs/runs.module';
import { SessionsModule } from './sessions/sessions.module';
import { SignalsModule } from './signals/signals.module';
import { SignInModule } from './sign-in/sign-in.module';
import { SystemModule } from './system/system.module';
import { TenantsModule } from './tenants/tenants.module';
import { TransferModule } from './transfer/transfer.module';
import { TransparencyModule } from './transparency/transparency.module';
import { WebhooksModule } from './webhooks/webhooks.module';

/** The HTTP edge: a module per resource of the API. */
@Module({
  imports: [
    ConnectionsModule,
    LogClientModule,
    AuthModule,
    ReportingModule,
    HttpModule,
    RunsModule,
    OAuthModule,
    ActionsModule,
    AuthzenModule,
    ApprovalsModule,
    RevocationsModule,
    EnforcementModule,
    BudgetsModule,
    ConsoleModule,
    PoliciesModule,
    ReceiptsModule,
    EventsModule,
    ReplaysModule,
    TransparencyModule,
    ErasuresModule,
    RepairsModule,
    RebuildsModule,
    TransferModule,
    KeysModule,
    McpModule,
    WebhooksModule,
    SignalsModule,
    MineModule,
    SignInModule,
    SessionsModule,
    TenantsModule,
    SystemModule,
  ],
})
export class AppModule implements OnApplicationShutdown {
  constructor(
    private readonly refusals: RefusalReports,
    @Inject(BUS) private readonly bus: Bus,
  ) {}

  /** Runs after the HTTP server has closed: no request needs the connection any more. */
  async onApplicationShutdown(): Promise<void> {
    this.refusals.flush();
    await this.bus.drain();
  }
}
