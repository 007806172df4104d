import type { KeyObject } from 'node:crypto';
import { REF, ROOMY, TestLog, type Fields } from '@bailiwick/authority/testing/harness';
import type { CommandType } from '@bailiwick/contracts/commands/command';
import type { Event, Payload, RevocationTarget } from '@bailiwick/contracts/events/event';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import {
  RUN_RECEIPT,
  type ACTION_RECEIPT,
  type TREE_RECEIPT,
  type Envelope,
  type Period,
  type Predicate,
  type ReceiptEvent,
  type RunStatement,
  type Statement,
} from '@bailiwick/contracts/receipts/receipt';
import { canonicalDigest, saltedDigest } from '@bailiwick/core/digest';
import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { entryHash } from '@bailiwick/transparency-log/hash';
import { makeSigner, verifierKey } from '@bailiwick/transparency-log/note';
import { proofText } from '@bailiwick/transparency-log/proof';
import { seededKey } from '@bailiwick/transparency-log/testing/keys';
import { grown } from '@bailiwick/transparency-log/testing/naive-tree';
import { inclusionProof, rootHash } from '@bailiwick/transparency-log/merkle-tree';
import { makeStatement, signStatement } from '../envelope';
import { KINDS } from '../kinds';
import { readStory, type Story, type StoryEntry } from '../story';
import { summarise } from '../summary';
import { verifyReceipt, type Verification } from '../verify';

export const KEY = seededKey(7);
export const NAME = 'bailiwick.test/default/0';
export const VKEY = verifierKey(NAME, KEY);
export const ANN = { kind: 'person', id: 'person:ann' } as const;

let salts = 0;
/** Makes the payload of an event, salted as the gateway does it. */
export const words = (value: Record<string, unknown>): Payload => {
  salts += 1;
  return { salt: Buffer.alloc(16, String(salts)).toString('base64url'), value };
};

/** A `TestLog` that keeps bodies byte for byte, together with their payloads. */
export class SealedLog extends TestLog {
  private readonly payloads = new Map<string, string>();
  private strikes = 0;

  override try<T extends CommandType>(type: T, fields: Fields<T>): ReturnType<TestLog['try']> {
    const { payload } = fields as { payload?: Payload };
    if (payload) this.payloads.set(saltedDigest(payload.salt, payload.value), JSON.stringify(payload));
    return super.try(type, fields);
  }

  /** Opens a root run with a payload. */
  open(
    grant: GrantRequest = ROOMY,
    more: Partial<Fields<'openRun'>> = {},
  ): { runId: string; grantId: string; treeId: string } {
    const agent = { class: 'worker' };
    const payload = words({ purpose: 'Tidy the repository', requestedBy: 'ann@example.com' });
    const events = this.do('openRun', { agent, principalRef: REF, purposeRef: REF, grant, payload, ...more });
    const { runId, treeId } = events[0] as { runId: string; treeId: string };
    return { runId, treeId, grantId: events.find((event) => event.type === 'GrantIssued')?.grantId ?? '' };
  }

  child(
    grantId: string,
    grant: GrantRequest = {},
    more: Partial<Fields<'delegate'>> = {},
  ): { runId: string; grantId: string } {
    const events = this.do('delegate', {
      grantId,
      agent: { class: 'helper' },
      purposeRef: REF,
      grant,
      payload: words({ task: 'Count the files' }),
      ...more,
    });
    const { runId, grantId: own } = events.find((event) => event.type === 'GrantIssued') as {
      runId: string;
      grantId: string;
    };
    return { runId, grantId: own };
  }

  /**
   * Adds a new revocation rule for a selector.
   * @param target for a selector with a tool: whether the leases end
   */
  strike(selector: StoredSelector, target: RevocationTarget = 'leases'): string {
    this.strikes += 1;
    const revocationId = `rev_0_${String(this.strikes).padStart(26, '0')}`;
    this.do('revokeSelector', {
      revocationId,
      selector,
      ...(selector.tool === undefined ? {} : { target }),
      force: true,
      actor: ANN,
      payload: words({ note: 'struck' }),
    });
    return revocationId;
  }

  /** The newest event of a type. */
  last<T extends Event['type']>(type: T): Extract<Event, { type: T }> {
    const found = this.events.filter((event) => event.type === type).pop();
    if (!found) throw new Error(`the log has no ${type}`);
    return found as Extract<Event, { type: T }>;
  }

  /** Returns the events as an event store does. */
  stored(): { log: string; position: number; type: string; time: string; body: string; payload: string | null }[] {
    return this.events.map((event) => ({
      log: event.log,
      position: event.position,
      type: event.type,
      time: event.time,
      body: JSON.stringify(event),
      payload: this.payloads.get(event.payloadDigest ?? '') ?? null,
    }));
  }

  entries(): StoryEntry[] {
    return this.stored().map(({ payload }, i): StoryEntry => ({
      event: this.events[i] as Event,
      payload: payload === null ? null : (JSON.parse(payload) as Payload).value,
    }));
  }

  story(): Story {
    return readStory(this.entries());
  }
}

/** Returns a function that proves bodies against one checkpoint over all of them. */
export function prover(bodies: readonly string[], name = NAME, key: KeyObject = KEY): (position: number) => string {
  const { read, size } = grown(bodies.map(entryHash));
  const checkpoint = signCheckpoint({ origin: name, size: BigInt(size), root: rootHash(size, read) }, [
    makeSigner(name, key),
  ]);
  return (position) => proofText(position, inclusionProof(position, size, read), checkpoint);
}

/** Adds bodies, payloads and proofs to the chosen events. */
export function provedEvents(
  log: SealedLog,
  chosen: readonly StoryEntry[],
  prove = prover(log.stored().map(({ body }) => body)),
): ReceiptEvent[] {
  const stored = log.stored();
  return chosen.map(({ event: { position } }) => {
    const { body, payload, log: of } = stored[position] as (typeof stored)[number];
    return { log: of, position, body, payload, proof: prove(position) };
  });
}

export function statementOf(log: SealedLog, runId: string, period?: Period): RunStatement {
  const chosen = KINDS[RUN_RECEIPT].select(runId, readStory(log.entries(), period));
  return makeStatement(summarise(runId, readStory(chosen, period)), provedEvents(log, chosen));
}

/** Builds the receipt of a tree or an action, signed by the log. */
export function otherReceiptOf(
  log: SealedLog,
  type: typeof TREE_RECEIPT | typeof ACTION_RECEIPT,
  id: string,
): Envelope {
  const chosen = KINDS[type].select(id, log.story());
  return signed(
    makeStatement(KINDS[type].summarise(id, readStory(chosen), canonicalDigest), provedEvents(log, chosen)),
  );
}

/** Signs a statement with the log's key. */
export const signed = (statement: Statement): Envelope => signStatement(statement, KEY, NAME);

export const receiptOf = (log: SealedLog, runId: string, period?: Period): Envelope =>
  signed(statementOf(log, runId, period));

/** Returns the claims of a run's receipt after verifying it. */
export function claimsOf(log: SealedLog, runId: string, period?: Period): Predicate {
  const verification = verifyReceipt(receiptOf(log, runId, period), VKEY);
  if (!verification.ok || verification.statement?.predicateType !== RUN_RECEIPT)
    throw new Error(`the receipt of ${runId} does not verify: ${brokenAt(verification)}`);
  const { events: _, ...claims } = verification.statement.predicate;
  return claims;
}

/** Returns the failed step with its reason; empty if all passed. */
export function brokenAt({ ok, steps }: Verification): string {
  const failed = steps.find((step) => !step.ok);
  return ok || !failed ? '' : `${failed.name}: ${failed.detail}`;
}
