import { hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Global, Module } from '@nestjs/common';
import type { ProofView } from '@bailiwick/contracts/queries/query';
import { systemClock } from '@bailiwick/core/clock';
import { logName } from '@bailiwick/core/ids';
import { CONFIG, type GatewayConfig } from '../config';
import { IncomingBodies } from '../http/bodies/incoming-bodies';
import { LogClient } from '../log-client/log-client';
import { Admission } from './admission';
import { ApiKeys } from './api-keys';
import { Proofs, type ProofPort } from './dpop-proofs';
import { GrantTokens } from './grant-tokens';
import { readIssuers } from './issuers/issuer-config';
import { Issuers } from './issuers/issuers';
import { Pseudonyms } from './pseudonyms';
import { TokenKeys } from './token-keys';
import { TokenMint } from './token-mint';

/** Provides authentication and authorization. Keys and secrets are read from files once, when the service starts. */
@Global()
@Module({
  providers: [
    Admission,
    { provide: IncomingBodies, useFactory: () => new IncomingBodies() },
    { provide: ApiKeys, inject: [CONFIG], useFactory: apiKeys },
    { provide: GrantTokens, inject: [CONFIG, LogClient], useFactory: grantTokens },
    TokenMint,
    { provide: Pseudonyms, inject: [CONFIG], useFactory: pseudonyms },
    { provide: Issuers, inject: [CONFIG], useFactory: issuers },
  ],
  exports: [Admission, ApiKeys, GrantTokens, Pseudonyms, Issuers, TokenMint],
})
export class AuthModule {}

function apiKeys({ files }: GatewayConfig): ApiKeys {
  return new ApiKeys(files.credentials, files.tenants);
}

function issuers({ files, publicUrl }: GatewayConfig): Issuers {
  return new Issuers(readIssuers(files.issuers, publicUrl), () => systemClock.now());
}

function grantTokens({ files, publicUrl, dpopNonce }: GatewayConfig, logClient: LogClient): GrantTokens {
  const now = (): number => systemClock.now();
  const memory: ProofPort = (tenant, use) =>
    logClient.query<ProofView>({ op: 'proof', log: logName(tenant, 0), ...(use ? { use } : {}) });
  const proofs = new Proofs(now, nonceSecret(files.pseudonymKey), memory, { alwaysNonce: dpopNonce === 'always' });
  return new GrantTokens(TokenKeys.read(files.tokenKey, now), publicUrl, now, proofs);
}

/** The secret of nonces, the same at every gateway, derived from the one secret that they share and never change. */
const nonceSecret = (file: string): Buffer =>
  Buffer.from(hkdfSync('sha256', Buffer.from(readFileSync(file, 'utf8'), 'base64'), '', 'bailiwick DPoP nonces', 32));

function pseudonyms({ files }: GatewayConfig): Pseudonyms {
  return new Pseudonyms(Buffer.from(readFileSync(files.pseudonymKey, 'utf8'), 'base64'));
}
