import { growthOf, type Counted, type Growth } from '@bailiwick/authority/revocation/counting/growth';
import { previewInPieces, reachesInPieces } from '@bailiwick/authority/revocation/blast-radius';
import { targetOf, type Meant } from '@bailiwick/authority/revocation/reach';
import type { LogState } from '@bailiwick/authority/state/state';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { PreviewView } from '@bailiwick/contracts/queries/query';
import { canonicalize } from '@bailiwick/core/canonical';
import { LIMITS } from '@bailiwick/core/limits';
import { WalkLost, walks } from '../queries/walks';

const PREVIEW_TRIES = 3;

/** The owner's access to its committed state. */
export interface StateSource {
  read<T>(read: (state: LogState, now: number) => T): Promise<T>;
  /** Reports whether the owner still works on this state. */
  isCurrent(state: LogState): boolean;
}

/** Counts the blast radius of revocations and remembers the results, so that an execution can refer to one. */
export class Previews {
  private readonly kept = new Map<string, Counted & { meant: string; at: number }>();

  constructor(
    private readonly log: string,
    private readonly source: StateSource,
  ) {}

  /**
   * Counts a preview in pieces, as of the committed state at its start. If the owner drops that state, counting restarts
   * on the new one.
   */
  async count(meant: Meant): Promise<PreviewView> {
    const { result, now } = await this.walk((state, at) => previewInPieces(state, meant, at, LIMITS.previewUnits));
    return this.remember(result, meant, now);
  }

  /** Reports whether a revocation would reach anything. Unlike a preview, no execution can refer to it. */
  async reaches(meant: Meant): Promise<boolean> {
    return (await this.walk((state, at) => reachesInPieces(state, meant, at, LIMITS.previewUnits))).result;
  }

  private async walk<T>(
    start: (state: LogState, now: number) => Generator<void, T>,
  ): Promise<{ result: T; now: number }> {
    for (let tries = PREVIEW_TRIES; ; tries--) {
      const { state, now, pieces } = await this.source.read((state, now) => ({
        state,
        now,
        pieces: start(state, now),
      }));
      try {
        return { result: await walks.run(this.log, pieces, () => !this.source.isCurrent(state)), now };
      } catch (error) {
        if (!(error instanceof WalkLost) || tries === 0) throw error;
      }
    }
  }

  /** Drops the reference to a preview unless the owner, or a responder, made it recently for the same revocation. */
  verify(command: Command, { responders }: LogState): Command {
    if (command.type !== 'revokeSelector' || !command.previewed) return command;
    const { digest } = command.previewed;
    const prepared = responders.prepared.find((each) => each.digest === digest);
    const known = prepared ? { meant: identityOf(prepared), asOf: prepared.asOf } : this.kept.get(digest);
    if (known && known.meant === identityOf(command)) return { ...command, previewed: { digest, asOf: known.asOf } };
    return { ...command, previewed: undefined };
  }

  /** Returns how a preview differs from an earlier one, if that is still known. */
  growth(digest: string | undefined, after: PreviewView): Growth | undefined {
    const before = digest === undefined ? undefined : this.kept.get(digest);
    return before && growthOf(before, after);
  }

  private remember(view: PreviewView, meant: Meant, now: number): PreviewView {
    const { asOf, counts, byClass } = view;
    this.kept.set(view.digest, { meant: identityOf(meant), asOf, counts, byClass, at: now });
    for (const [digest, { at }] of this.kept) {
      if (this.kept.size <= LIMITS.previewsKept && at > now - LIMITS.previewMs) break;
      this.kept.delete(digest);
    }
    return view;
  }
}

/** Identifies a revocation: the same selector with another target is another revocation. */
function identityOf(meant: Meant): string {
  const target = targetOf(meant);
  // a quarantine affects grants issued later; only the quarantine of a tool also affects existing grants
  return canonicalize({ selector: meant.selector, target, quarantine: target === 'tool' && meant.quarantine === true });
}
