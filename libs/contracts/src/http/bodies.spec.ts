import { openRunBody, selectorBody } from './bodies';

const ALIKE = 'user:iv\u0430n';

describe('a principal name that looks like another', () => {
  it('is refused when a run is opened', () => {
    const body = { agent: { class: 'a' }, purpose: 'x', grant: {}, requestedBy: ALIKE };
    expect(openRunBody.safeParse(body).success).toBe(false);
    expect(openRunBody.safeParse({ ...body, requestedBy: 'user:ivan' }).success).toBe(true);
  });

  it('is refused for its length alone if it is too long', () => {
    const requestedBy = 'user:' + '\u0316\u0301'.repeat(60_000);
    const { error } = openRunBody.safeParse({ agent: { class: 'a' }, purpose: 'x', grant: {}, requestedBy });
    expect(error?.issues).toMatchObject([{ code: 'too_big', path: ['requestedBy'] }]);
  });

  it.each([ALIKE, 'user:ivan  b', 'user:\u0441\u043e\u0441'])(
    'is accepted by a revocation, which only takes authority away: %j',
    (principal) => expect(selectorBody.safeParse({ principal }).success).toBe(true),
  );
});
