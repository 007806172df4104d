import { Module } from '@nestjs/common';
import { LeaseRequestsModule } from '../runs/lease-requests.module';
import { ClientAssertions } from './client-assertions';
import { OAuthClients } from './clients';
import { IdentityAssertions } from './identity-assertions';
import { LiveTokens } from './live-tokens';
import { OAuthController } from './oauth.controller';
import { OAuthSlots } from './oauth-slots';
import { TokenExchange } from './token-exchange';

@Module({
  imports: [LeaseRequestsModule],
  controllers: [OAuthController],
  providers: [ClientAssertions, OAuthClients, TokenExchange, IdentityAssertions, LiveTokens, OAuthSlots],
})
export class OAuthModule {}
