import { readFileSync } from 'node:fs';
import { Global, Module } from '@nestjs/common';
import { systemClock } from '@bailiwick/core/clock';
import { CONFIG, type GatewayConfig } from '../config';
import { IncomingBodies } from '../http/bodies/incoming-bodies';
import { Admission } from './admission';
import { ApiKeys } from './api-keys';
import { GrantTokens } from './grant-tokens';
import { Pseudonyms } from './pseudonyms';

/** Provides authentication and authorization. Keys and secrets are read from files once, when the service starts. */
@Global()
@Module({
  providers: [
    Admission,
    { provide: IncomingBodies, useFactory: () => new IncomingBodies() },
    { provide: ApiKeys, inject: [CONFIG], useFactory: apiKeys },
    { provide: GrantTokens, inject: [CONFIG], useFactory: grantTokens },
    { provide: Pseudonyms, inject: [CONFIG], useFactory: pseudonyms },
  ],
  exports: [Admission, ApiKeys, GrantTokens, Pseudonyms],
})
export class AuthModule {}

function apiKeys({ files }: GatewayConfig): ApiKeys {
  return new ApiKeys(files.credentials, files.tenants);
}

function grantTokens({ files, publicUrl, dpopNonce }: GatewayConfig): GrantTokens {
  return new GrantTokens(readFileSync(files.tokenKey, 'utf8'), publicUrl, () => systemClock.now(), {
    since: Math.ceil(performance.timeOrigin),
    alwaysNonce: dpopNonce === 'always',
  });
}

function pseudonyms({ files }: GatewayConfig): Pseudonyms {
  return new Pseudonyms(Buffer.from(readFileSync(files.pseudonymKey, 'utf8'), 'base64'));
}
