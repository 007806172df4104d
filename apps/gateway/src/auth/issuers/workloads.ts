import { Injectable } from '@nestjs/common';
import { posture as postureSchema, type Agent, type Posture } from '@bailiwick/contracts/grants/grant';
import { Refused } from '../../http/problems/problem';
import type { IssuerConfig } from './issuer-config';
import { Issuers, type VerifiedToken } from './issuers';
import { claimOf, tenantOf } from './people';

type Configured = NonNullable<IssuerConfig['workloads']>;

/** Tokens of CI systems, of Kubernetes and of clouds are ID tokens, or have no type. */
const TYPES = ['jwt', undefined] as const;

/** Reads the posture of an agent from the token of the workload that it runs in. */
@Injectable()
export class Workloads {
  constructor(private readonly issuers: Issuers) {}

  /**
   * Returns the agent of a request with the posture that its attestation states. Such a posture is attested as a whole:
   * what the token does not state, the request may not add.
   * @throws Refused UNAUTHENTICATED for a token that attests nothing here, FORBIDDEN for an agent that it does not attest
   */
  async attested(
    tenant: string,
    { agent, attestation }: { agent: Agent; attestation?: string | undefined },
  ): Promise<Agent> {
    if (attestation === undefined) return agent;
    const configured = this.issuers.namedBy(attestation)?.workloads;
    if (!configured) throw invalid('no issuer of attestations is configured for it');
    const token = await this.issuers.verify(attestation, { types: TYPES, audience: configured.audience });
    checkClaims(configured, token, tenant);
    if (configured.classes && !configured.classes.includes(agent.class))
      throw new Refused('FORBIDDEN', `${configured.name} attests no agent of the class ${agent.class}`);
    const posture = postureOf(configured, token);
    for (const [member, stated] of Object.entries(agent.posture ?? {}))
      if (stated !== undefined && stated !== posture[member as keyof Posture])
        throw new Refused(
          'FORBIDDEN',
          `agent.posture.${member} is not what the attestation states; leave it out, or open the run without one`,
        );
    return { ...agent, posture, attestedBy: configured.name };
  }
}

const invalid = (why: string): Refused => new Refused('UNAUTHENTICATED', `the attestation is not valid: ${why}`);

/** An issuer that many share signs for each of them: only the required claims distinguish ours. */
function checkClaims({ require }: Configured, { issuer, claims }: VerifiedToken, tenant: string): void {
  if (tenantOf(issuer, claims) !== tenant) throw invalid('it is of another tenant');
  for (const { claim, values } of require) {
    const value = claimOf(claims, claim);
    if (typeof value !== 'string' || !values.includes(value))
      throw invalid(`its claim ${[claim].flat().join('.')} has none of the values that are configured`);
  }
}

function postureOf({ posture }: Configured, { claims }: VerifiedToken): Posture {
  const stated = Object.entries(posture).flatMap(([member, claim]) => {
    const value = claimOf(claims, claim);
    if (value === undefined) throw invalid(`it has no claim ${[claim].flat().join('.')}`);
    return [[member, value]];
  });
  const parsed = postureSchema.safeParse(Object.fromEntries(stated));
  if (!parsed.success) throw invalid(parsed.error.issues[0]?.message ?? 'its claims are no posture');
  return parsed.data;
}
