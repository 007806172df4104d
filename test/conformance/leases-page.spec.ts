import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { actionRequest } from '@bailiwick/contracts/actions/action';
import { grantRequest } from '@bailiwick/contracts/grants/grant';
import { tenantBudgetBody } from '@bailiwick/contracts/http/bodies';
import { act, delegateTestRun, openTestRun, REF, TestLog } from '@bailiwick/authority/testing/harness';

interface Recipe {
  readonly title: string;
  /** a tenant budget to set first */
  readonly budget: unknown;
  readonly lease: unknown;
  /** a lease below it, under which the calls are made; null: under the lease itself */
  readonly child: unknown;
  readonly permits: Call;
  readonly denies: Call;
}
interface Call {
  readonly verb: string;
  readonly resource: unknown;
  readonly cost?: Record<string, number>;
  readonly units?: Record<string, number>;
}

const PAGE = readFileSync(join(resolve(__dirname, '..', '..'), 'docs', 'leases.md'), 'utf8');

/** Returns the sections of the page that contain a lease, a call that it permits, and one that it denies. */
const RECIPES: Recipe[] = PAGE.split(/^### /m)
  .slice(1)
  .map((section) => {
    const block = (name: string): unknown =>
      JSON.parse(new RegExp(`^\`\`\`json ${name}\n([^]*?)^\`\`\`$`, 'm').exec(section)?.[1] ?? 'null');
    const [title = ''] = section.split('\n');
    return {
      title,
      budget: block('budget'),
      lease: block('lease'),
      child: block('child'),
      permits: block('permits') as Call,
      denies: block('denies') as Call,
    };
  });

/** Issues the lease and asks for one call, as an enforcement point does. */
function decisionOn({ budget, lease, child }: Recipe, { verb, resource, cost, units }: Call) {
  const log = new TestLog();
  if (budget !== null) setBudget(log, budget);
  const top = openTestRun(log, grantRequest.parse(lease)).grantId;
  const grantId = child ? delegateTestRun(log, top, grantRequest.parse(child), 'researcher').grantId : top;
  return act(log, grantId, verb, { resource: actionRequest.shape.resource.parse(resource), cost, units });
}

/** Sets a tenant budget; every test run is opened for the same person. */
function setBudget(log: TestLog, raw: unknown): void {
  const { selector, budget } = tenantBudgetBody.parse(raw);
  const { principal, ...rest } = selector;
  const stored = { ...rest, ...(principal === undefined ? {} : { principalRef: REF }) };
  log.do('setTenantBudget', { name: 'recipe', selector: stored, budget });
}

describe('the leases of docs/leases.md', () => {
  it('are at least fourteen', () => {
    expect(RECIPES.length).toBeGreaterThan(13);
  });

  it.each(RECIPES)('$title: permits the first call', (recipe) => {
    expect(decisionOn(recipe, recipe.permits)).toMatchObject({ type: 'ActionPermitted' });
  });

  it.each(RECIPES)('$title: denies the second call', (recipe) => {
    expect(decisionOn(recipe, recipe.denies)).toMatchObject({ type: 'ActionDenied' });
  });
});
