import { readFileSync } from 'node:fs';
import { Global, Module } from '@nestjs/common';
import { systemClock } from '@bailiwick/core/clock';
import type { Bus } from '@bailiwick/messaging/connect';
import { BUS, CONFIG, type GatewayConfig } from '../config';
import { IncomingBodies } from '../http/bodies/incoming-bodies';
import { Admission } from './admission';
import { ApiKeys } from './api-keys';
import { VOUCHERS, type Vouchers } from './caller';
import { GrantTokens } from './grant-tokens';
import { IssuedKeys } from './issued-keys';
import { readIssuers } from './issuers/issuer-config';
import { Issuers } from './issuers/issuers';
import { People } from './people-tokens';
import { Pseudonyms } from './pseudonyms';

const now = (): number => systemClock.now();

/** Provides authentication and authorization. Secrets and the configured issuers are read once, at the start. */
@Global()
@Module({
  providers: [
    Admission,
    IssuedKeys,
    { provide: IncomingBodies, useFactory: () => new IncomingBodies() },
    { provide: ApiKeys, inject: [CONFIG, BUS], useFactory: apiKeys },
    { provide: GrantTokens, inject: [CONFIG], useFactory: grantTokens },
    { provide: Pseudonyms, inject: [CONFIG], useFactory: pseudonyms },
    { provide: Issuers, inject: [CONFIG], useFactory: issuers },
    {
      provide: VOUCHERS,
      inject: [ApiKeys, GrantTokens, Pseudonyms, People],
      useFactory: (keys: ApiKeys, tokens: GrantTokens, pseudonyms: Pseudonyms, people: People): Vouchers => ({
        keys,
        tokens,
        pseudonyms,
        people,
      }),
    },
    { provide: People, inject: [Issuers], useFactory: (configured: Issuers) => new People(configured, now) },
  ],
  exports: [Admission, ApiKeys, IssuedKeys, GrantTokens, Pseudonyms, Issuers],
})
export class AuthModule {}

function apiKeys({ files }: GatewayConfig, bus: Bus): ApiKeys {
  return new ApiKeys(files, bus);
}

function issuers({ files, publicUrl }: GatewayConfig): Issuers {
  return new Issuers(readIssuers(files.issuers, publicUrl), now);
}

function grantTokens({ files, publicUrl, dpopNonce }: GatewayConfig): GrantTokens {
  return new GrantTokens(readFileSync(files.tokenKey, 'utf8'), publicUrl, now, {
    since: Math.ceil(performance.timeOrigin),
    alwaysNonce: dpopNonce === 'always',
  });
}

function pseudonyms({ files }: GatewayConfig): Pseudonyms {
  return new Pseudonyms(Buffer.from(readFileSync(files.pseudonymKey, 'utf8'), 'base64'));
}
