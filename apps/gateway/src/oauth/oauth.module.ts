import { Module } from '@nestjs/common';
import { LeaseRequestsModule } from '../runs/lease-requests.module';
import { OAuthClients } from './clients';
import { IdentityAssertions } from './identity-assertions';
import { LiveTokens } from './live-tokens';
import { OAuthController } from './oauth.controller';
import { TokenExchange } from './token-exchange';

@Module({
  imports: [LeaseRequestsModule],
  controllers: [OAuthController],
  providers: [OAuthClients, TokenExchange, IdentityAssertions, LiveTokens],
})
export class OAuthModule {}
