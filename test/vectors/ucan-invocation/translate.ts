import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { ANYONE, Chain, UNLIMITED, type Lease } from '../chain';
import { attributesOf } from '../ucan-policy/attributes';
import { selectorsOf, type Policy } from '../ucan-policy/translate';
import { compare, Inexpressible, meaning, type Row } from '../verdict';
import source from './vectors.json';

interface Delegation {
  readonly iss: string;
  readonly aud: string;
  /** null: all that the issuer holds */
  readonly sub: string | null;
  readonly cmd: string;
  readonly pol: Policy;
  readonly exp: number | null;
  readonly nbf?: number;
  readonly signature?: readonly number[];
}
interface Vector {
  readonly name: string;
  readonly error?: string;
  readonly invocation: {
    readonly iss: string;
    readonly sub: string;
    readonly cmd: string;
    readonly args: object;
    readonly iat: number;
    readonly exp: number | null;
    readonly signature?: readonly number[];
  };
  readonly proofs: readonly Delegation[];
  /** proofs that the invocation names and that are not there */
  readonly missing?: number;
}

const DAY = 24 * 60 * 60;
/** No lease is without end: `exp: null` is the longest there is, and a `nbf` after it starts in its last second. */
const LAST = LIMITS.grantLifetimeMs / 1000;

/** A command covers those below it: `/msg` covers `/msg/send`. */
const verbsOf = (cmd: string): string => `${cmd.slice(1).replace(/\//g, '.')}.**`;

/** Everyone holds a lease for what they are the subject of. */
const ownLease = (chain: Chain, did: string): Lease =>
  chain.root(
    {
      ...UNLIMITED,
      actions: { allow: ['*'] },
      resources: [{ type: 'subject', match: did }],
      delegation: { ...ANYONE, depth: 10 },
      time: { expiresAt: rfc3339(chain.log.now + LAST * 1000) },
    },
    did,
  );

/** Translates a proof into the request for a lease below `parent`; without a subject it inherits all resources. */
const leaseOf = ({ sub, cmd, pol, exp, nbf }: Delegation, parent: Lease, depth: number, start: number): unknown => ({
  actions: { allow: [verbsOf(cmd)] },
  ...(sub === null ? {} : { resources: selectorsOf(pol, { type: 'subject', match: sub }) }),
  time: {
    ...(exp === null ? {} : { expiresAt: rfc3339(exp * 1000) }),
    ...(nbf === undefined ? {} : { notBefore: rfc3339(Math.min(nbf, start + LAST - 1) * 1000) }),
  },
  delegation: { ...ANYONE, depth },
  risk: parent.limits.risk,
});

/**
 * Issues the proofs from the root on: the first from what its issuer is the subject of, each further one from the lease
 * of the one before, by the run of its issuer. The invocation is a separate lease for one call, issued in the same way
 * when it is executed, a day later.
 */
function decide({ invocation, proofs, missing = 0 }: Vector): void {
  if ([invocation, ...proofs].some(({ signature }) => signature)) throw new Inexpressible('cryptographic form');
  const { iss, sub, cmd, args, iat, exp } = invocation;
  const chain = new Chain(iat * 1000);
  const runs = new Map<string, string>();
  const runOf = (did: string): string => {
    const run = runs.get(did) ?? ownLease(chain, did).runId;
    runs.set(did, run);
    return run;
  };
  let lease = ownLease(chain, proofs[0]?.iss ?? iss);
  runs.set(proofs[0]?.iss ?? iss, lease.runId);
  if (missing > 0) lease = { ...lease, grantId: MISSING };
  proofs.forEach((proof, at) => {
    lease = chain.delegate(lease, leaseOf(proof, lease, 8 - at, iat), proof.aud, runOf(proof.iss));
    runs.set(proof.aud, lease.runId);
  });

  const issuer = runOf(iss);
  chain.log.now += 2 * DAY * 1000;
  chain.log.tickAll();
  const call = {
    actions: { allow: [verbsOf(cmd)] },
    budget: { calls: 1 },
    time: exp === null ? {} : { expiresAt: rfc3339(exp * 1000) },
  };
  const { grantId } = chain.delegate(lease, call, 'executor', issuer);
  chain.call(grantId, cmd.slice(1).replace(/\//g, '.'), {
    resource: { type: 'subject', id: sub, attributes: attributesOf(args) },
  });
}

/** Names a lease that does not exist. */
const MISSING = 'grt_00000000000000000000000000';

/** The reasons of ours that mean the same as an error of theirs. */
const MEANING = {
  // the invoker holds a lease for something else only
  InvalidClaim: /^RESOURCE_NOT_ALLOWED$/,
  UnavailableProof: /^NOT_FOUND$/,
  // a lease that would end before it starts is malformed
  Expired: /^GRANT_NOT_LIVE$|^BAD_REQUEST grant.time$/,
  TooEarly: /^NOT_YET_VALID$/,
  InvalidAudience: /^FORBIDDEN$/,
  InvalidSubject: /^WIDENS resources$|^RESOURCE_NOT_ALLOWED$/,
  InvalidSignature: /^$/,
  MatchError: /^RESOURCE_NOT_ALLOWED$/,
};

/** Decides the invocation fixtures of UCAN. */
export const ucanInvocation = (): Row[] =>
  [...source.valid, ...source.invalid].map((each) => {
    const vector = each as unknown as Vector;
    const expected = vector.error === undefined ? 'permit' : meaning(MEANING, vector.error);
    return compare(vector.name, expected, () => decide(vector));
  });
