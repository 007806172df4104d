import type { BailiwickClient } from '@bailiwick/client/client';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { acknowledged, type Acknowledged, type WaitFlags } from './effect';
import { withGrowth } from './growth-text';
import { printPreview } from './preview-text';
import { selectorOf, type SelectorFlags } from './selector-options';

/** The options that `revoke` and `suspend` share. */
export interface StopFlags extends GlobalOptions, SelectorFlags, WaitFlags {
  reason: string;
  dryRun?: boolean;
  digest?: string;
  force?: boolean;
  quarantine?: boolean;
  incident?: string;
}

/** How a command stops what a selector matches. */
export interface Stop {
  readonly does: 'end' | 'suspend';
  /** the option for leases instead of a tool, and whether it is given */
  readonly option: string;
  readonly leases: boolean | undefined;
  /** of a suspension, and when it ends */
  readonly more: { readonly mode?: 'suspend'; readonly until?: string };
}

type Stopped = Acknowledged<Awaited<ReturnType<BailiwickClient['revokeAll']>>>;

/**
 * Prints what a selector matches, unless its digest is given, and stops it.
 * @returns undefined after a dry run, which stops nothing
 */
export async function stopAll(options: StopFlags, { does, option, leases, more }: Stop): Promise<Stopped | undefined> {
  const client = clientFor(options, 'responder');
  const selector = selectorOf(options);
  const deniable = selector.tool !== undefined || selector.verb !== undefined;
  if (leases && !deniable)
    throw new UsageError(`${option} requires --tool or --verb; any other selector ${does}s leases anyway`);
  const target = !deniable ? undefined : leases ? 'leases' : 'tool';
  const preview =
    options.digest === undefined ? await client.previewRevocation(selector, options.quarantine, target) : undefined;
  if (preview && !options.json) printPreview(preview, target, { option, does });
  if (options.dryRun) {
    if (!preview) throw new UsageError('--digest cannot be combined with --dry-run');
    const verb = does === 'end' ? 'revoke' : does;
    console.log(
      options.json
        ? JSON.stringify(preview)
        : `to ${verb} exactly these, repeat the command with --digest ${preview.digest}`,
    );
    return undefined;
  }
  if (preview && !options.json) console.log();
  const body: Parameters<BailiwickClient['revokeAll']>[0] = {
    selector,
    ...more,
    reason: options.reason,
    digest: options.digest ?? preview?.digest,
    ...(target === undefined ? {} : { target }),
    ...(options.force ? { force: true } : {}),
    ...(options.quarantine ? { quarantine: true } : {}),
    ...(options.incident === undefined ? {} : { incident: options.incident }),
  };
  return acknowledged(() => client.revokeAll(body).catch(withGrowth));
}

/** @throws UsageError unless a command has either a grant or a selector */
export function checkNamed(grant: string | undefined, options: SelectorFlags): void {
  if ((grant !== undefined) === Object.keys(selectorOf(options)).length > 0)
    throw new UsageError('name either a grant or a selector (--class, --verb, --select, …)');
}
