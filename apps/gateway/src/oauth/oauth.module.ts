import { Module } from '@nestjs/common';
import { LeaseRequestsModule } from '../runs/lease-requests.module';
import { PolicyChecksModule } from '../policies/policy-checks.module';
import { ClientAssertions } from './client-assertions';
import { ClientCredentials } from './client-credentials';
import { OAuthClients } from './clients';
import { IdentityAssertions } from './identity-assertions';
import { LiveTokens } from './live-tokens';
import { OAuthController } from './oauth.controller';
import { OAuthSlots } from './oauth-slots';
import { RootRuns } from './root-runs';
import { TokenExchange } from './token-exchange';

@Module({
  imports: [LeaseRequestsModule, PolicyChecksModule],
  controllers: [OAuthController],
  providers: [
    ClientAssertions,
    OAuthClients,
    TokenExchange,
    RootRuns,
    ClientCredentials,
    IdentityAssertions,
    LiveTokens,
    OAuthSlots,
  ],
})
export class OAuthModule {}
