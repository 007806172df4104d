import type { Event } from '@bailiwick/contracts/events/event';
import type { Catalog } from '../matching/catalog/compile';
import { compiledText, type CompiledBundle } from '../state/policies';

/**
 * The catalogs by which recorded decisions were made, by version. Of the versions that the events of a log deploy it
 * keeps the last one, since a log decides by one version at a time.
 */
export class RecordedPolicies {
  private parts: string[] = [];
  private deployed = new Map<number, Version>();

  /** @param shipped the catalog of version 0 */
  constructor(private readonly shipped: Catalog) {}

  /** Reads an event of a log whose events are all given, in order. */
  take(event: Event): void {
    if (event.type === 'PolicyPart') {
      if (event.data.index === 0) this.parts = [];
      this.parts.push(event.data.text);
    } else if (event.type === 'PolicyDeployed') {
      this.deployed = new Map([[event.data.version, new Version(this.parts.join(''))]]);
      this.parts = [];
    }
  }

  /** the catalog that the last event deployed, with its rules about leases and approvals */
  get newest(): Pick<CompiledBundle, 'catalog'> & Partial<CompiledBundle> {
    return [...this.deployed.values()].at(-1)?.bundle ?? { catalog: this.shipped };
  }

  /** @param version `policy` of a decision, which leaves out 0. @returns undefined for a version that is not known */
  catalog(version = 0): Catalog | undefined {
    return version === 0 ? this.shipped : this.deployed.get(version)?.catalog;
  }
}

/** A deployed bundle, compiled when a decision first names it. */
class Version {
  private compiled: { readonly bundle: CompiledBundle | undefined } | undefined;
  constructor(private readonly text: string) {}

  get bundle(): CompiledBundle | undefined {
    this.compiled ??= { bundle: compiledText(this.text) };
    return this.compiled.bundle;
  }

  get catalog(): Catalog | undefined {
    return this.bundle?.catalog;
  }
}
