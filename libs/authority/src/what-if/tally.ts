import type { Difference, Kinds, ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import { LIMITS } from '@bailiwick/core/limits';
import { DecisionGroups } from './decision-groups';

/** Counts differences and keeps one page of them, in bounded memory. */
export class Tally {
  private decided = 0;
  private differ = 0;
  private bytes = 0;
  private truncated = false;
  private readonly page: Difference[] = [];
  private readonly byKind: Kinds = {};
  private readonly groups = { byAgentClass: new Groups(), byVerb: new Groups(), byTree: new Groups() };
  private readonly decisions = new DecisionGroups();
  outcomesFallenAway = 0;
  undecidable = 0;

  /** @param after only differences after this position are on the page; all are counted */
  constructor(
    private readonly after: number,
    private readonly limit: number,
  ) {}

  /** Counts one recorded decision that was decided again. */
  again(): void {
    this.decided += 1;
  }

  add(difference: Difference): void {
    const { kind, agentClass, treeId } = difference;
    this.byKind[kind] = (this.byKind[kind] ?? 0) + 1;
    if (agentClass !== undefined) this.groups.byAgentClass.count(agentClass, kind);
    if (treeId !== undefined) this.groups.byTree.count(treeId, kind);
    if (difference.about === 'action') {
      this.differ += 1;
      this.groups.byVerb.count(difference.verb, kind);
      this.decisions.count(difference);
    }
    if (difference.position <= this.after || this.truncated) return;
    this.truncated = !this.fits(difference);
    if (!this.truncated) this.page.push(difference);
  }

  /** Differences at one position stay on the same page, since the next page starts after a position. */
  private fits(difference: Difference): boolean {
    if (this.page.at(-1)?.position === difference.position) return true;
    if (this.page.length >= this.limit) return false;
    this.bytes += Buffer.byteLength(JSON.stringify(difference));
    return this.page.length === 0 || this.bytes <= LIMITS.pageBytes;
  }

  summary(): Omit<ReplayAnswer, 'log' | 'from' | 'to' | 'assumes'> {
    const { byAgentClass, byVerb, byTree } = this.groups;
    return {
      decided: this.decided,
      differ: this.differ,
      byKind: this.byKind,
      byAgentClass: byAgentClass.most(),
      byVerb: byVerb.most(),
      byTree: byTree.most(),
      groups: this.decisions.most(),
      differences: this.page,
      truncated: this.truncated,
      next: this.truncated ? (this.page.at(-1)?.position ?? null) : null,
      outcomesFallenAway: this.outcomesFallenAway,
      undecidable: this.undecidable,
    };
  }
}

/** Counts by names that others chose: distinguishes a few thousand while it counts, and returns the largest of them. */
class Groups {
  private readonly counts = new Map<string, Kinds>();

  count(name: string, kind: string): void {
    const own = this.counts.get(name) ?? (this.counts.size < COUNTED ? this.begin(name) : this.others());
    own[kind] = (own[kind] ?? 0) + 1;
  }

  most(): Record<string, Kinds> {
    const named = [...this.counts].filter(([name]) => name !== OTHERS).sort(([, a], [, b]) => sum(b) - sum(a));
    const rest = named.slice(LIMITS.replayGroups).map(([, kinds]) => kinds);
    const beyond = this.counts.get(OTHERS);
    const others = [...rest, ...(beyond ? [beyond] : [])];
    const largest = named.slice(0, LIMITS.replayGroups);
    return Object.fromEntries(others.length > 0 ? [...largest, [OTHERS, added(others)]] : largest);
  }

  private begin(name: string): Kinds {
    const fresh: Kinds = {};
    this.counts.set(name, fresh);
    return fresh;
  }

  private others(): Kinds {
    return this.counts.get(OTHERS) ?? this.begin(OTHERS);
  }
}

const COUNTED = 10_000;
/** The group of the remaining names. No class, verb or tree has this name, since it contains a space. */
const OTHERS = 'all others';
const sum = (kinds: Kinds): number => Object.values(kinds).reduce((total, each) => total + each, 0);

function added(all: readonly Kinds[]): Kinds {
  const total: Kinds = {};
  for (const kinds of all) for (const [kind, n] of Object.entries(kinds)) total[kind] = (total[kind] ?? 0) + n;
  return total;
}
