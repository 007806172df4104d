import { hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Global, Module } from '@nestjs/common';
import type { ProofView } from '@bailiwick/contracts/queries/query';
import { systemClock } from '@bailiwick/core/clock';
import { logName } from '@bailiwick/core/ids';
import type { Bus } from '@bailiwick/messaging/connect';
import { BUS, CONFIG, type GatewayConfig } from '../config';
import { IncomingBodies } from '@bailiwick/edge/incoming-bodies';
import { LogClient } from '../log-client/log-client';
import { Admission } from './admission';
import { ApiKeys } from './api-keys';
import { VOUCHERS, type Vouchers } from './caller';
import { Proofs, type ProofPort } from '@bailiwick/edge/tokens/dpop-proofs';
import { GrantTokens } from './grant-tokens';
import { IssuedKeys } from './issued-keys';
import { readIssuers } from './issuers/issuer-config';
import { Issuers } from './issuers/issuers';
import { People } from './people-tokens';
import { PersonNames } from './person-names';
import { Pseudonyms } from './pseudonyms';
import { SessionAdmission } from './sessions/session-admission';
import { SessionSecrets } from './sessions/session-secrets';
import { Sessions } from './sessions/sessions';
import { TokenKeys } from './token-keys';
import { TokenSignIns } from './token-sign-ins';
import { TokenMint } from './token-mint';

const now = (): number => systemClock.now();

/** Provides authentication and authorization. Secrets and the configured issuers are read once, at the start. */
@Global()
@Module({
  providers: [
    Admission,
    IssuedKeys,
    SessionAdmission,
    Sessions,
    { provide: SessionSecrets, inject: [CONFIG], useFactory: sessionSecrets },
    { provide: IncomingBodies, useFactory: () => new IncomingBodies() },
    { provide: ApiKeys, inject: [CONFIG, BUS], useFactory: apiKeys },
    { provide: GrantTokens, inject: [CONFIG, LogClient], useFactory: grantTokens },
    TokenMint,
    PersonNames,
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
    TokenSignIns,
    {
      provide: People,
      inject: [Issuers, TokenSignIns],
      useFactory: (configured: Issuers, signIns: TokenSignIns) => new People(configured, now, signIns),
    },
  ],
  exports: [
    Admission,
    ApiKeys,
    IssuedKeys,
    GrantTokens,
    PersonNames,
    Pseudonyms,
    Issuers,
    TokenMint,
    SessionAdmission,
    Sessions,
    SessionSecrets,
  ],
})
export class AuthModule {}

function apiKeys({ files }: GatewayConfig, bus: Bus): ApiKeys {
  return new ApiKeys(files, bus);
}

function issuers({ files, publicUrl }: GatewayConfig): Issuers {
  return new Issuers(readIssuers(files.issuers, publicUrl), now);
}

function grantTokens({ files, publicUrl, dpopNonce }: GatewayConfig, logClient: LogClient): GrantTokens {
  const memory: ProofPort = (tenant, use) =>
    logClient.query<ProofView>({ op: 'proof', log: logName(tenant, 0), ...(use ? { use } : {}) });
  const proofs = new Proofs(now, nonceSecret(files.pseudonymKey), memory, { alwaysNonce: dpopNonce === 'always' });
  return new GrantTokens(TokenKeys.read(files.tokenKey, now), publicUrl, now, proofs);
}

/** The secret of nonces, the same at every gateway, derived from the one secret that they share and never change. */
const nonceSecret = (file: string): Buffer =>
  Buffer.from(hkdfSync('sha256', Buffer.from(readFileSync(file, 'utf8'), 'base64'), '', 'bailiwick DPoP nonces', 32));

function sessionSecrets({ files }: GatewayConfig): SessionSecrets {
  return new SessionSecrets(Buffer.from(readFileSync(files.pseudonymKey, 'utf8'), 'base64'));
}

function pseudonyms({ files }: GatewayConfig): Pseudonyms {
  return new Pseudonyms(Buffer.from(readFileSync(files.pseudonymKey, 'utf8'), 'base64'));
}
