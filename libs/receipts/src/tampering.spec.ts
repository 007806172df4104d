import fc from 'fast-check';
import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import type {
  Envelope,
  Predicate,
  ReceiptEvent,
  RunStatement as Statement,
} from '@bailiwick/contracts/receipts/receipt';
import { verifierKey } from '@bailiwick/transparency-log/note';
import { seededKey } from '@bailiwick/transparency-log/testing/keys';
import { makeStatement, signStatement } from './envelope';
import { eventsOfReceipt } from './select';
import { readStory } from './story';
import { summarise } from './summary';
import { busyRun } from './testing/busy-run';
import {
  brokenAt,
  claimsOf,
  KEY,
  NAME,
  provedEvents,
  prover,
  receiptOf,
  SealedLog,
  signed,
  statementOf,
  VKEY,
} from './testing/sealed-log';
import { verifyReceipt } from './verify';

fc.configureGlobal({ seed: 20260134 });

const busy = busyRun();
const envelope = receiptOf(busy.log, busy.runId);
const statement = statementOf(busy.log, busy.runId);
const broken = (input: unknown, vkey = VKEY): string => brokenAt(verifyReceipt(input, vkey));
/** Signs a changed receipt with the log's key, so that only events and claims can reveal the change. */
const brokenSigned = (change: (copy: Statement) => void): string => {
  const copy = structuredClone(statement);
  change(copy);
  return broken(signed(copy));
};
const eventAt = (copy: Statement, type: string): ReceiptEvent => {
  const found = copy.predicate.events.find(({ body }) => body.includes(`"type":"${type}"`));
  if (!found) throw new Error(`no ${type} in the receipt`);
  return found;
};

const UNSIGNED =
  /^(the file is a DSSE envelope|the envelope is signed by the log|the envelope holds an in-toto statement about a receipt|the predicate is of its published schema): /;
const NOT_IN_LOG = /^every event is in the log: /;
const OTHER_PAYLOAD = /^every payload matches the digest in its event: /;
const OTHER_CLAIMS = /^the claims follow from the events: /;

/** Replaces one character by another printable one. */
const changed = (text: string, at: number, by: number): string => {
  const code = 33 + ((text.charCodeAt(at) - 33 + by + 94 * 1_000) % 94);
  return text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
};

describe('a receipt', () => {
  it('verifies unchanged', () => {
    const { ok, steps } = verifyReceipt(envelope, VKEY);
    expect(ok).toBe(true);
    expect(steps.map(({ name }) => name)).toEqual([
      'the verifier key is well formed',
      'the file is a DSSE envelope',
      'the envelope is signed by the log',
      'the envelope holds an in-toto statement about a receipt',
      'the predicate is of its published schema',
      'every event is in the log',
      'every payload matches the digest in its event',
      'every permitted action has custody up to the principal',
      'the claims follow from the events',
      'the amounts add up to the counters',
    ]);
  });

  it('does not verify after a change of any byte of its file', () => {
    const file = Buffer.from(JSON.stringify(envelope));
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const copy = Buffer.from(file);
        copy[at] = (copy[at] as number) ^ mask;
        let input: unknown;
        try {
          input = JSON.parse(copy.toString('utf8'));
        } catch {
          return; // no receipt at all
        }
        expect(broken(input)).toMatch(UNSIGNED);
      }),
      { numRuns: 400 },
    );
  });

  it('does not verify with another encoding of its signature', () => {
    const [{ keyid, sig }] = envelope.signatures as [Envelope['signatures'][number]];
    const spellings = [...sig].flatMap((_, at) => [1, 2, 31, 47].map((by) => changed(sig, at, by)));
    for (const other of [...spellings, `${sig} `, sig.slice(0, -1), sig.replace(/=+$/, ''), `${sig}AAAA`]) {
      expect(broken({ ...envelope, signatures: [{ keyid, sig: other }] })).toMatch(UNSIGNED);
    }
  });

  it('does not verify after a change of any character of a body, payload or proof, even if the log signed it', () => {
    const places = statement.predicate.events.flatMap((each, i) =>
      (['body', 'payload', 'proof'] as const).filter((part) => each[part] != null).map((part) => ({ i, part })),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.nat(), fc.integer({ min: 1, max: 93 }), ({ i, part }, at, by) => {
        const found = brokenSigned((copy) => {
          const each = copy.predicate.events[i] as ReceiptEvent;
          const text = each[part] as string;
          each[part] = changed(text, at % text.length, by);
        });
        expect(found).toMatch(
          part === 'payload' ? /^every (payload matches the digest in its event|event is in the log): / : NOT_IN_LOG,
        );
      }),
      { numRuns: 600 },
    );
  });

  it('does not verify with another encoding of a salt, even if the log signed it', () => {
    const found = brokenSigned((copy) => {
      const each = eventAt(copy, 'RunOpened');
      each.payload = (each.payload as string).replace(
        /"salt":"([^"]{21})(.)"/,
        (_, head: string, last: string) =>
          `"salt":"${head}${last === 'A' ? 'B' : String.fromCharCode(last.charCodeAt(0) + 1)}"`,
      );
    });
    expect(found).toMatch(OTHER_PAYLOAD);
  });
});

describe('each claim of a receipt signed by its log', () => {
  const names = Object.keys(claimsOf(busy.log, busy.runId)) as (keyof Predicate)[];

  it.each(names)('is compared with the events: %s', (name) => {
    const other = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.length > 0 ? value.slice(1) : [{ position: 0, type: 'RunOpened' }];
      if (typeof value === 'string') return `${value}x`;
      const [key, first] = Object.entries(value as object)[0] as [string, unknown];
      return { ...(value as object), [key]: typeof first === 'number' ? first + 1 : `${String(first)}x` };
    };
    expect(brokenSigned(({ predicate }) => Object.assign(predicate, { [name]: other(predicate[name]) }))).toMatch(
      OTHER_CLAIMS,
    );
  });

  it('is compared with the events in every member', () => {
    const { events: _, ...claims } = statement.predicate;
    const paths = leaves(claims);
    expect(paths.length).toBeGreaterThan(200);
    fc.assert(
      fc.property(fc.constantFrom(...paths), (path) => {
        const found = brokenSigned(({ predicate }) => {
          const last = path[path.length - 1] as string;
          const inner = path
            .slice(0, -1)
            .reduce<Record<string, unknown>>((node, key) => node[key] as Record<string, unknown>, predicate as never);
          const value = inner[last];
          inner[last] = typeof value === 'number' ? value + 1 : typeof value === 'string' ? `${value}x` : 'x';
        });
        expect(found).toMatch(
          /^(the claims follow from the events: |the envelope holds an in-toto statement about a receipt: |the predicate is of its published schema: the statement is malformed)/,
        );
      }),
      { numRuns: 250 },
    );
  });

  it('is refused if it has no basis in the events', () => {
    expect(brokenSigned(({ predicate }) => Object.assign(predicate, { audited: true }))).toMatch(UNSIGNED);
    expect(brokenSigned(({ predicate }) => Object.assign(predicate.actions[0] as object, { harmless: true }))).toMatch(
      UNSIGNED,
    );
  });

  it('is refused if the subject is another run or another opening', () => {
    const [subject] = statement.subject as [Statement['subject'][number]];
    for (const other of [
      [],
      [subject, subject],
      [{ ...subject, name: busy.rootId }],
      [{ ...subject, digest: { sha256: '0'.repeat(64) } }],
      [{ ...subject, digest: { ...subject.digest, md5: '0' } }],
    ]) {
      expect(brokenSigned((copy) => (copy.subject = other))).toMatch(OTHER_CLAIMS);
    }
  });
});

/** Returns the paths to all leaf values. */
function leaves(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  return Object.entries(value).flatMap(([key, each]) => leaves(each, [...path, key]));
}

describe('the events of a receipt signed by its log', () => {
  /** No claim depends on these events, so they could be omitted; the receipt states this limit. */
  const SILENT = ['GrantSuspended', 'GrantResumed', 'GrantSuperseded', 'Refused'];
  const types = statement.predicate.events.map(({ body }) => JSON.parse(body) as { type: string; runId?: string });

  it('cannot be omitted if a claim depends on them', () => {
    types.forEach(({ type, runId }, i) => {
      const found = brokenSigned((copy) => copy.predicate.events.splice(i, 1));
      if (SILENT.includes(type) || (type === 'GrantIssued' && runId === busy.childId)) return;
      expect(`${type} ${found}`).toMatch(/ (the claims follow from the events|every permitted action has custody)/);
    });
  });

  it('cannot be repeated or reordered', () => {
    for (let i = 1; i < statement.predicate.events.length; i++) {
      expect(
        brokenSigned(({ predicate: { events } }) => events.splice(i, 0, structuredClone(events[i] as ReceiptEvent))),
      ).toMatch(NOT_IN_LOG);
      expect(
        brokenSigned(({ predicate: { events } }) =>
          events.splice(i - 1, 2, events[i] as ReceiptEvent, events[i - 1] as ReceiptEvent),
        ),
      ).toMatch(NOT_IN_LOG);
    }
  });

  it('cannot include other events of the same log', () => {
    const kept = new Set(statement.predicate.events.map(({ position }) => position));
    const others = busy.log.entries().filter(({ event }) => !kept.has(event.position));
    expect(others.length).toBeGreaterThan(3);
    for (const each of others) {
      const found = brokenSigned(({ predicate }) => {
        predicate.events = [...predicate.events, ...provedEvents(busy.log, [each])].sort(
          (a, b) => a.position - b.position,
        );
      });
      expect(`${each.event.type} ${found}`).toMatch(/ the claims follow from the events: /);
    }
  });

  it('cannot include an event that is not in the log', () => {
    const forge = (events: ReceiptEvent[]): void => {
      const last = events[events.length - 1] as ReceiptEvent;
      const body = JSON.stringify({ ...(JSON.parse(last.body) as object), position: last.position + 1 });
      events.push({ ...last, position: last.position + 1, body });
    };
    expect(brokenSigned(({ predicate }) => forge(predicate.events))).toMatch(NOT_IN_LOG);
  });

  it('cannot use the proof, the position or the log of another event', () => {
    const [first, second] = statement.predicate.events as [ReceiptEvent, ReceiptEvent];
    expect(brokenSigned(({ predicate }) => ((predicate.events[1] as ReceiptEvent).proof = first.proof))).toMatch(
      NOT_IN_LOG,
    );
    expect(
      brokenSigned(({ predicate }) => ((predicate.events[1] as ReceiptEvent).position = second.position + 1)),
    ).toMatch(NOT_IN_LOG);
    expect(brokenSigned(({ predicate }) => ((predicate.events[1] as ReceiptEvent).log = 'default/1'))).toMatch(
      NOT_IN_LOG,
    );
  });

  it('cannot be proved in a tree of another origin or key, or in two different trees', () => {
    const bodies = busy.log.stored().map(({ body }) => body);
    const chosen = eventsOfReceipt(busy.runId, busy.log.story());
    const from = (prove: (position: number) => string): string =>
      brokenSigned(({ predicate }) => (predicate.events = provedEvents(busy.log, chosen, prove)));
    expect(from(prover(bodies))).toBe('');
    expect(from(prover(bodies, 'bailiwick.test/default/1'))).toMatch(NOT_IN_LOG);
    expect(from(prover(bodies, NAME, seededKey(8)))).toMatch(NOT_IN_LOG);
    const here = prover(bodies);
    const other = 'an event that only some clients received';
    // one longer, and one of equal size that differs only in events outside the receipt
    const forks = [
      [...bodies, other],
      bodies.map((body, i) => (chosen.some(({ event }) => event.position === i) ? body : other)),
    ];
    for (const fork of forks.map((each) => prover(each))) {
      expect(from(fork)).toBe('');
      expect(from((position) => (position % 2 ? here : fork)(position))).toMatch(NOT_IN_LOG);
    }
    // a tree with all of them, two of them swapped
    const [one, two] = chosen.slice(2, 4).map(({ event }) => event.position) as [number, number];
    const place = (position: number): number => (position === one ? two : position === two ? one : position);
    const swapped = prover(bodies.map((_, i) => bodies[place(i)] as string));
    expect(from((position) => swapped(place(position)))).toMatch(/its proof is for leaf/);
  });

  it('cannot belong to another run', () => {
    const log = new SealedLog();
    const mine = log.open(ROOMY);
    const other = log.open(ROOMY);
    act(log, other.grantId, 'file.read');
    const claims = claimsOf(log, mine.runId);
    const theirs = eventsOfReceipt(other.runId, log.story());
    expect(broken(signed(makeStatement(claims, provedEvents(log, theirs))))).toMatch(OTHER_CLAIMS);
    expect(broken(signed(makeStatement(summarise(other.runId, readStory(theirs)), provedEvents(log, theirs))))).toBe(
      '',
    );
  });
});

describe('verifyReceipt', () => {
  it('refuses a receipt under the key of another log, another signer, or a malformed key', () => {
    const stranger = seededKey(9);
    expect(broken(signStatement(statement, stranger, NAME))).toMatch(UNSIGNED);
    expect(broken(envelope, verifierKey(NAME, stranger))).toMatch(UNSIGNED);
    expect(broken(envelope, verifierKey('bailiwick.test/default/1', KEY))).toMatch(UNSIGNED);
    for (const vkey of ['', VKEY.slice(1), VKEY.replace('+', '-'), `${VKEY}x`])
      expect(broken(envelope, vkey)).toMatch(/^the verifier key is well formed: /);
  });

  it('refuses input that is not an envelope, or contains no receipt statement', () => {
    for (const input of [
      undefined,
      null,
      7,
      'x',
      [],
      {},
      { ...envelope, signatures: [] },
      { ...envelope, payloadType: 'text/plain' },
      { ...envelope, payload: '' },
      { ...envelope, payload: `${envelope.payload} ` },
    ]) {
      expect(broken(input)).toMatch(UNSIGNED);
    }
    const other = (change: object): string => broken(signed({ ...statement, ...change }));
    expect(other({ _type: 'x' })).toMatch(/malformed/);
    expect(other({ predicateType: 'x' })).toMatch(/malformed/);
    expect(other({ predicate: undefined })).toMatch(/malformed/);
    expect(broken(signed('text' as never))).toMatch(/malformed/);
  });
});
