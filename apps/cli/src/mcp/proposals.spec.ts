import fc from 'fast-check';
import { EFFECTS, RISKS } from '@bailiwick/contracts/grants/grant';
import { proposalsFor } from './proposals';

fc.configureGlobal({ seed: 20261130 });

const propose = (name: string, annotations?: object) =>
  proposalsFor('s', [JSON.stringify({ name, ...(annotations ? { annotations } : {}) })])[0]!;

describe('proposalsFor', () => {
  it('names the tool as clients do, and takes effects from its name', () => {
    expect(propose('read_file')).toMatchObject({
      tools: ['mcp__s__read_file'],
      verb: 's.read_file',
      effects: ['read'],
    });
    expect(propose('frobnicate')).toMatchObject({ effects: ['write'], risk: 'medium' });
  });

  it('is never milder with annotations than without', () => {
    const hint = fc.constantFrom(true, false, undefined, 'yes');
    const hints = fc.record({ readOnlyHint: hint, destructiveHint: hint, openWorldHint: hint, idempotentHint: hint });
    const names = fc.constantFrom('read_file', 'send_email', 'frobnicate', 'delete_all', 'run', 'list');
    fc.assert(
      fc.property(names, hints, (name, annotations) => {
        const [plain, annotated] = [propose(name), propose(name, annotations)];
        for (const effect of EFFECTS) if (plain.effects.includes(effect)) expect(annotated.effects).toContain(effect);
        expect(RISKS.indexOf(annotated.risk)).toBeGreaterThanOrEqual(RISKS.indexOf(plain.risk));
        expect(annotated.labels).toEqual(plain.labels);
      }),
    );
  });
});
