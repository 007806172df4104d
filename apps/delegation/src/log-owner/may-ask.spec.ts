import { BOUNDARY, COMMANDS } from '@bailiwick/contracts/commands/command';
import { mayAsk, mayQuery } from './may-ask';

const INTENT = { kind: 'system', id: 'intent' };
const EDGE = { kind: 'service', id: 'key:enforcer' };
const TYPES = COMMANDS.map((schema) => schema.shape.type.value);

describe('mayAsk', () => {
  it.each(TYPES)("accepts %s on the monitor's subject only if it is a drift report", (type) => {
    expect(mayAsk('monitor', { type, actor: INTENT })).toBe(type === 'recordDrift');
  });

  it.each(TYPES)("accepts %s on the edge's subject only if callers may submit it", (type) => {
    expect(mayAsk('edge', { type, actor: EDGE })).toBe(!['recordDrift', 'tick', 'summarizeRefusals'].includes(type));
    expect(mayAsk('edge', { type, actor: INTENT })).toBe(false);
  });

  it.each(TYPES)("accepts %s on the boundary's subject only if it is about a call, from no other actor", (type) => {
    expect(mayAsk('boundary', { type, actor: BOUNDARY })).toBe(['authorize', 'settle'].includes(type));
    expect(mayAsk('boundary', { type, actor: EDGE })).toBe(false);
    expect(mayAsk('edge', { type, actor: BOUNDARY })).toBe(false);
  });

  it.each(['permissions', 'grant', 'policy', 'proof', 'tree', 'import', 'erasure', 'approvals', undefined])(
    'accepts a query %s of an enforcement point only if it is about a call',
    (op) => {
      expect(mayQuery({ op })).toBe(['permissions', 'grant', 'policy', 'proof'].includes(op as string));
    },
  );

  it.each<[string, unknown]>([
    ['a person', { kind: 'person', id: 'intent' }],
    ['a service of the name', { kind: 'service', id: 'intent' }],
    ['a run', { kind: 'run', id: `run_0_${'0'.repeat(26)}` }],
    ['another part of the system', { kind: 'system', id: 'delegation' }],
    ['no id', { kind: 'system' }],
    ['none', undefined],
    ['null', null],
    ['a text', 'intent'],
  ])('accepts no drift report whose actor is %s', (_what, actor) => {
    expect(mayAsk('monitor', { type: 'recordDrift', actor })).toBe(false);
  });

  it.each([undefined, null, 7, 'recordDrift', [], {}])('accepts no %j from the monitor', (raw) => {
    expect(mayAsk('monitor', raw)).toBe(false);
  });
});
