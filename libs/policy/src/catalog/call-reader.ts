import { compileCatalog, type Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { takesFromArguments } from '@bailiwick/authority/matching/catalog/templates';
import type { DerivedCall } from '@bailiwick/contracts/commands/command';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { derive } from './derive';

/** A call before its decision, with its arguments. */
export interface CallWithArguments {
  readonly verb: string;
  readonly tool?: string | undefined;
  readonly args?: unknown;
  /** stated in place of the arguments: they cannot be read */
  readonly argsDigest?: string | undefined;
}

/** Reads the arguments of calls by the catalog of one version of a policy. */
export class CallReader {
  private readonly isNeeded: boolean;
  private readonly byPrefix = new Map<string, readonly string[]>();

  constructor(
    readonly version: number,
    private readonly catalog: Catalog,
  ) {
    this.isNeeded = catalog.entries.some(takesFromArguments);
  }

  /** Returns the entry that names a tool; undefined if none does. */
  entryOfTool(tool: string): CatalogEntry | undefined {
    return this.catalog.entryOfTool(tool);
  }

  /** Returns the names of tools with this text at their start that the catalog states, patterns not included. */
  toolsOf(prefix: string): readonly string[] {
    const known = this.byPrefix.get(prefix);
    if (known) return known;
    const tools = this.catalog.entries.flatMap((each) => each.tools ?? []);
    const found = tools.filter((tool) => tool.startsWith(prefix) && !tool.includes('*'));
    this.byPrefix.set(prefix, found);
    return found;
  }

  /** Returns what the arguments of a call state, or why they do not; undefined if its entry takes nothing from them. */
  read({ verb, tool, args, argsDigest }: CallWithArguments): DerivedCall | undefined {
    const entry = this.isNeeded ? this.catalog.lookup(verb, tool).entry : undefined;
    if (!entry || !takesFromArguments(entry)) return undefined;
    if (args === undefined && argsDigest !== undefined && pointsToArguments(entry))
      return { policy: this.version, fault: `${NEEDS_ARGS}; state them in action.args, not only their digest` };
    const found = derive(entry, args);
    if (!found.ok) return { policy: this.version, fault: found.error };
    const { resource, attributes, cost, units } = found.value;
    return {
      policy: this.version,
      ...(resource ? { resource } : {}),
      ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
      ...(cost ? { cost } : {}),
      ...(units ? { units } : {}),
    };
  }
}

const NEEDS_ARGS = 'the policy takes the resource or the amounts of this call from its arguments';

/** Returns the reader of a deployed bundle; undefined if this release cannot read it. */
export function callReader(version: number, bundle: PolicyBundle): CallReader | undefined {
  const compiled = compileCatalog(bundle.catalog ?? []);
  return compiled.ok ? new CallReader(version, compiled.value) : undefined;
}

/** Reports whether an entry needs more than the amounts that it states itself. */
const pointsToArguments = ({ resource, attributes, cost = {}, units = {} }: CatalogEntry): boolean =>
  (resource ?? attributes) !== undefined ||
  [...Object.values(cost), ...Object.values(units)].some((estimate) => typeof estimate !== 'number');
