import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { GovernedRequests } from '../calls/governed';
import type { Operation } from '../calls/operations';
import { loggingOperation, resourceOperation } from '../calls/operations';
import { BOUNDARY_LIMITS } from '../boundary-limits';

/** What must be decided again, and takes note of the decision. */
interface Due {
  readonly operation: Operation;
  readonly permitted: () => void;
  readonly denied: () => void;
}

interface Decided {
  readonly params: Readonly<Record<string, unknown>>;
  /** on the clock of this process, ms */
  readonly at: number;
}

/**
 * What the decisions of a lease permitted a server to announce to a client: changes of resources, and log messages. A
 * decision is good for as long as a call may take at most. Unless another is made until then, nothing more is passed on:
 * a denied tool, a narrowed lease or another policy is enforced after that time without a call that could be aborted.
 */
export class Announced {
  private readonly resources = new Map<string, Decided>();
  private level: Decided | undefined;
  private deciding: Promise<void> | undefined;

  constructor(private readonly server: string) {}

  /** Reports whether one more resource has a place. */
  hasRoomFor(uri: string): boolean {
    return this.resources.has(uri) || this.resources.size < BOUNDARY_LIMITS.subscriptions;
  }

  /** Takes note of a decision about a resource. @returns what takes it back, if the server does not agree */
  subscribe(uri: string): () => void {
    const before = this.resources.get(uri);
    const decided = { params: { uri }, at: performance.now() };
    this.resources.set(uri, decided);
    return () => {
      if (this.resources.get(uri) !== decided) return;
      if (before) this.resources.set(uri, before);
      else this.resources.delete(uri);
    };
  }

  unsubscribe(uri: string): void {
    this.resources.delete(uri);
  }

  /** Takes note of a decision about log messages of a level. @returns what takes it back, if the server does not agree */
  log(params: Readonly<Record<string, unknown>>): () => void {
    const before = this.level;
    const decided = { params, at: performance.now() };
    this.level = decided;
    return () => {
      if (this.level === decided) this.level = before;
    };
  }

  mayAnnounce(uri: string): boolean {
    return isGood(this.resources.get(uri));
  }

  get mayLog(): boolean {
    return isGood(this.level);
  }

  /**
   * Decides again what was decided at least half of that time ago, under the permit of the client's own request: nothing more
   * is charged, and no person is asked. A denial ends it; without a decision it ends in time.
   */
  decideAgain(requests: GovernedRequests, claims: TokenClaims, signal: AbortSignal): Promise<void> {
    this.deciding ??= this.decideDue(requests, claims, signal).finally(() => (this.deciding = undefined));
    return this.deciding;
  }

  private async decideDue(requests: GovernedRequests, claims: TokenClaims, signal: AbortSignal): Promise<void> {
    for (const { operation, permitted, denied } of this.due()) {
      if (signal.aborted) return;
      const request = { ...operation, server: this.server, approvalId: undefined, isCall: false };
      const isPermitted = await requests.wouldPermit(claims, request);
      if (isPermitted === true) permitted();
      else if (isPermitted === false) denied();
    }
  }

  private due(): Due[] {
    const due: Due[] = [];
    for (const [uri, decided] of this.resources) {
      const operation = resourceOperation(this.server, decided.params);
      // what the client has changed since is its own decision
      const isSame = (): boolean => this.resources.get(uri) === decided;
      if (!operation.ok || !isOld(decided)) continue;
      due.push({
        operation: operation.value,
        permitted: () => {
          if (isSame()) this.subscribe(uri);
        },
        denied: () => {
          if (isSame()) this.resources.delete(uri);
        },
      });
    }
    const { level } = this;
    const operation = level && isOld(level) ? loggingOperation(this.server, level.params) : undefined;
    if (level && operation?.ok)
      due.push({
        operation: operation.value,
        permitted: () => {
          if (this.level === level) this.log(level.params);
        },
        denied: () => {
          if (this.level === level) this.level = undefined;
        },
      });
    return due;
  }
}

const ageOf = ({ at }: Decided): number => performance.now() - at;
const isGood = (decided: Decided | undefined): boolean =>
  decided !== undefined && ageOf(decided) < BOUNDARY_LIMITS.callMs;
const isOld = (decided: Decided): boolean => ageOf(decided) >= BOUNDARY_LIMITS.callMs / 2;
