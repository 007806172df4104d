import { http, Stack, until, type HttpAnswer } from '../support/stack';
import { leaseOf } from '../vectors/authzen-gateway/translate';
import source from '../vectors/authzen-gateway/vectors.json';
import { openRun } from './world';

/** Plays the API gateway scenario of the AuthZEN working group; `test/vectors/authzen-gateway/README.md` has its source. */
describe('the evaluations of an API gateway', () => {
  let stack: Stack;
  const leases = new Map<string, string>();

  beforeAll(async () => {
    stack = await Stack.tenant();
    for (const { request } of source.evaluation) {
      const { id } = request.subject;
      if (!leases.has(id)) leases.set(id, (await openRun(stack, { ...leaseOf(id) })).grantId);
    }
  }, 120_000);
  afterAll(() => stack.stop());

  it('are decided as the scenario expects, with methods and routes as sent', async () => {
    const decisions: unknown[] = [];
    for (const { request } of source.evaluation) {
      const subject = { type: 'grant', id: leases.get(request.subject.id) };
      const body = { ...request, subject };
      let answer: HttpAnswer | undefined;
      // a request of high risk is decided with the score of the intent monitor, which may be late on a busy machine
      await until('a decision with a score', async () => {
        answer = await http(stack, 'POST', '/access/v1/evaluation', { key: stack.keys.enforcer, body });
        return !JSON.stringify(answer.body).includes('DRIFT_UNAVAILABLE');
      });
      decisions.push([answer?.status, answer?.body.decision]);
    }
    expect(decisions).toEqual(source.evaluation.map(({ expected }) => [200, expected]));
  });
});
