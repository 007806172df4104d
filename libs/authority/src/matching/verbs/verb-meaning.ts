import { RISKS, type Effect, type Risk } from '@bailiwick/contracts/grants/grant';
import * as W from './verb-words';

/** The facts about a verb. Without effects, only its possible consequences are known. */
export interface VerbFacts {
  readonly effects: readonly Effect[];
  readonly risk: Risk;
  readonly labels: readonly string[];
}

interface Meaning {
  readonly facts: VerbFacts | undefined;
  /** the words leave open whether it sends or executes something */
  readonly doubt: boolean;
}

/**
 * Derives the facts about a verb from its words. A word that makes it milder (it reads, or stays inside) must be its
 * operation and the only one; a word that makes it stricter counts wherever it appears.
 */
export function factsOf(words: W.Words): Meaning {
  const look = new Look(words);
  const found = RULES.filter(([, holds]) => holds(look)).map(([facts]) => facts);
  if (found.length === 0) return { facts: undefined, doubt: !look.isCalm };
  const facts: VerbFacts = {
    effects: [...new Set(found.flatMap(({ effects = [] }) => effects))],
    risk: RISKS.findLast((risk) => found.some((each) => each.risk === risk)) ?? 'low',
    labels: [...new Set(found.flatMap(({ labels = [] }) => labels))],
  };
  return { facts, doubt: !look.isCalm };
}

class Look {
  constructor(private readonly words: W.Words) {}

  has(...tables: readonly ReadonlySet<string>[]): boolean {
    return tables.some((table) => [...this.words.all].some((word) => table.has(word)));
  }
  isOperation(table: ReadonlySet<string>): boolean {
    return this.words.ends.some((word) => table.has(word));
  }
  get reads(): boolean {
    return this.isOperation(W.READ) && !this.has(W.WRITES_TOO);
  }
  get putsAway(): boolean {
    return this.isOperation(W.PUT_AWAY);
  }
  get sends(): boolean {
    const looks = this.reads || this.putsAway;
    return this.has(W.SEND) || (!looks && (this.has(W.SEND_OR_NOUN) || (this.has(W.PUT) && this.has(W.OUTSIDE))));
  }
  get isSecret(): boolean {
    const pairs = this.isPublicHalf ? W.SECRET_PAIRS : [...W.SECRET_PAIRS, ...W.KEY_PAIRS];
    return this.has(W.SECRET) || pairs.some(([a, b]) => this.has(a) && this.has(b));
  }
  /** A host of code has no private key of its users: what its tools list and add are public ones. */
  get isPublicHalf(): boolean {
    const { system } = this.words;
    return system !== undefined && W.CODE_HOSTS.has(system) && !this.has(W.WHOLE_KEYS);
  }
  get trustsKey(): boolean {
    return !this.reads && !this.putsAway;
  }
  get publicKeys(): boolean {
    return this.isPublicHalf && !this.isSecret && W.KEY_PAIRS.some(([a, b]) => this.has(a) && this.has(b));
  }
  get namesSecrets(): boolean {
    return this.isOperation(W.SECRET_NAMES_ONLY) && !this.has(W.SECRET_LISTED);
  }
  get changesSecrets(): boolean {
    return this.isOperation(W.SECRET_CHANGE) && !this.reads && !(this.has(W.SECRET_MADE) && this.has(W.MAKE));
  }
  get fetchesRemotely(): boolean {
    return this.isRemote && !this.sends && (this.reads || this.has(W.FETCH));
  }
  /** Of a key, `ssh` is no connection. */
  get isRemote(): boolean {
    return [...this.words.all].some((word) => W.REMOTE.has(word) && !(word === 'ssh' && this.publicKeys));
  }
  get mayFetch(): boolean {
    return this.has(W.FETCH_ALWAYS) || (this.has(W.FETCH) && !this.has(W.INSIDE) && !this.isSecret);
  }
  get pays(): boolean {
    const checksOut = this.has(W.PAY) && !this.has(W.INSIDE);
    return !this.reads && (checksOut || (this.has(W.MONEY) && this.has(W.MOVE_MONEY)));
  }
  get runs(): boolean {
    return !this.reads && (this.has(W.EXEC) || (this.has(W.RUN) && this.has(W.CODE)));
  }
  get maySend(): boolean {
    if (this.putsAway) return false;
    return this.reads ? this.has(W.SENT_AS_NOUN) : this.has(W.MAY_SEND, W.SHARED);
  }
  /** It changes things inside, and no word refers to the outside. */
  get isCalm(): boolean {
    if (this.putsAway) return true;
    return this.has(W.INSIDE) && this.isOperation(W.CHANGE) && !this.has(W.OUTSIDE, W.SHARED, W.MAY_SEND);
  }
}

const RULES: readonly (readonly [Partial<VerbFacts>, (look: Look) => boolean])[] = [
  [{ effects: ['external'], risk: 'medium' }, (look) => look.sends],
  [{ effects: ['exec'], risk: 'high' }, (look) => look.runs],
  [{ effects: ['write'], risk: 'high' }, (look) => look.isOperation(W.DELETE)],
  [{ effects: ['read'], risk: 'low' }, (look) => look.reads && !look.sends && !look.runs],
  [
    { effects: ['read'], risk: 'low', labels: ['fetch:unnamed', 'untrusted'] },
    (look) => look.fetchesRemotely && !look.isOperation(W.PUT_AWAY),
  ],
  [{ labels: ['fetch:unnamed', 'untrusted'] }, (look) => !look.sends && look.mayFetch],
  [{ labels: ['untrusted'] }, (look) => look.reads && !look.publicKeys && look.has(W.REFERS)],
  [{ labels: ['may:send'] }, (look) => !look.sends && look.maySend],
  [{ labels: ['pays'] }, (look) => look.pays],
  [{ labels: ['private'], risk: 'medium' }, (look) => look.isSecret && look.namesSecrets],
  // which keys an account trusts is private, and to change it changes who may act for the account
  [{ labels: ['private'], risk: 'medium' }, (look) => look.publicKeys && look.reads],
  [
    { effects: ['write'], risk: 'high', labels: ['escalation', 'may:send'] },
    (look) => look.publicKeys && look.trustsKey,
  ],
  [{ effects: ['write'], risk: 'medium' }, (look) => look.isSecret && !look.namesSecrets && look.changesSecrets],
  [
    { labels: ['read:secret', 'private'], risk: 'high' },
    (look) => look.isSecret && !look.namesSecrets && !look.changesSecrets,
  ],
  [
    { effects: ['write'], risk: 'high' },
    (look) => look.isSecret && !look.namesSecrets && !look.changesSecrets && !look.reads && !look.sends,
  ],
];
