import fc from 'fast-check';
import { environmentOf, joinedEnvironment } from '@bailiwick/platform/config';
import { processesOf, readersApart } from './processes';

fc.configureGlobal({ seed: 20261203 });

describe('the processes of a system', () => {
  const runs = (delegations: number, apart: boolean): unknown =>
    processesOf(delegations, apart).map((each) => [each.name, each.runs]);

  it('let the ledger and the monitor share one', () => {
    expect(runs(1, false)).toEqual([
      ['delegation', ['delegation']],
      ['readers', ['ledger', 'intent']],
      ['gateway', ['gateway']],
    ]);
  });

  it('are one for each service if the readers are apart', () => {
    expect(runs(2, true)).toEqual([
      ['delegation', ['delegation']],
      ['delegation-2', ['delegation']],
      ['ledger', ['ledger']],
      ['intent', ['intent']],
      ['gateway', ['gateway']],
    ]);
  });

  it.each([
    [undefined, false],
    ['', false],
    ['together', false],
    ['apart', true],
  ])('are apart with BAILIWICK_READERS=%s: %s', (setting, apart) => {
    expect(readersApart(setting)).toBe(apart);
  });

  it.each(['on', 'Apart'])('refuse BAILIWICK_READERS=%j', (setting) => {
    expect(() => readersApart(setting)).toThrow(`BAILIWICK_READERS is ${JSON.stringify(setting)}; use together`);
  });
});

describe('the environment of services that share a process', () => {
  it('gives each service its own, and nothing of another', () => {
    const environment = fc.dictionary(
      fc.constantFrom('PATH', 'A', 'A_B', 'PASSWORD', 'URL'),
      fc.constantFrom('x', 'y'),
    );
    fc.assert(
      fc.property(environment, environment, (ledger, intent) => {
        const joined = joinedEnvironment({ ledger, intent });
        expect(environmentOf('ledger', joined)).toEqual(ledger);
        expect(environmentOf('intent', joined)).toEqual(intent);
      }),
    );
  });

  it('keeps the names of variables that all have, for the process itself', () => {
    const joined = joinedEnvironment({ ledger: { PATH: 'x', A: '1' }, intent: { PATH: 'x', A: '2' } });
    expect(joined).toEqual({ PATH: 'x', LEDGER__A: '1', INTENT__A: '2' });
  });

  it.each([
    { A: 'all', LEDGER__A: 'own' },
    { LEDGER__A: 'own', A: 'all' },
  ])('prefers the own variable to that of all: %j', (environment) => {
    expect(['ledger', 'intent'].map((service) => environmentOf(service, environment).A)).toEqual(['own', 'all']);
  });
});
