import { compileCatalog, type Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { leastStage } from '@bailiwick/authority/matching/catalog/facts';
import { catalogEntry, STAGES, type CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { LIMITS } from '@bailiwick/core/limits';
import { minorDigits } from '@bailiwick/core/money';
import { readTemplate } from '../catalog/id-template';
import type { Section } from './section';

/** What verbs and tools mean. */
export const catalogSection: Section<CatalogEntry, Catalog | undefined> = {
  schema: catalogEntry,
  most: LIMITS.policy.catalogEntries,
  compile(entries, report) {
    for (const [i, entry] of entries.entries()) {
      const { resource, cost = {}, stage } = entry;
      const least = leastStage(entry);
      if (stage !== undefined && STAGES.indexOf(stage) < STAGES.indexOf(least))
        report(i, ['stage'], `what has these effects and labels is at the stage ${least} at least, not ${stage}`);
      const template = resource && readTemplate(resource.id);
      if (template?.ok === false) report(i, ['resource', 'id'], template.error);
      for (const [currency, estimate] of Object.entries(cost))
        if (typeof estimate === 'object' && minorDigits(currency) === undefined)
          report(
            i,
            ['cost', currency],
            `${currency} has no known minor unit; give a pointer to an amount in minor units`,
          );
    }
    const compiled = compileCatalog(entries);
    if (compiled.ok) return compiled.value;
    for (const { entry, path, message, other } of compiled.error) report(entry, path, message, { other });
    return undefined;
  },
};
