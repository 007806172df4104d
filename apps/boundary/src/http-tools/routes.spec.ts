import { matchRoute, readRoute, routesOf } from './routes';

const target = (path: string, isFolder = false) => ({
  segments: path.split('/').filter((each) => each !== ''),
  isFolder,
  query: [],
});

describe('routesOf', () => {
  it('takes names of one API that are a method and a path, and no pattern', () => {
    const tools = [
      'http__crm__GET /a/:id',
      'http__crm__GET /b/*',
      'http__crmx__GET /c',
      'mcp__crm__d',
      'http__crm__get /e',
    ];
    expect(routesOf('crm', tools).map(({ tool }) => tool)).toEqual(['http__crm__GET /a/:id']);
  });

  it.each([
    'GET a',
    'FETCH /a',
    'GET /a/:rest+/b',
    'GET /a//b',
    'GET /a/:id:x',
    'GET /:a/:a',
    'GET /../a',
    'GET /:__proto__',
  ])('reads %s as no route', (text) => expect(readRoute(text).ok).toBe(false));
});

describe('matchRoute', () => {
  const routes = routesOf(
    'a',
    ['GET /x/:id', 'GET /x/me', 'GET /x/:rest+', 'GET /:kind/me', 'GET /y/'].map((each) => `http__a__${each}`),
  );
  const found = (path: string, isFolder = false) => {
    const matched = matchRoute(routes, 'GET', target(path, isFolder));
    return matched && [matched.route.tool.slice('http__a__'.length), matched.path];
  };

  it('takes the route that first has a name where another has a parameter', () => {
    expect(found('/x/me')).toEqual(['GET /x/me', {}]);
    expect(found('/x/7')).toEqual(['GET /x/:id', { id: '7' }]);
    expect(found('/x/7/8')).toEqual(['GET /x/:rest+', { rest: '7/8' }]);
    expect(found('/z/me')).toEqual(['GET /:kind/me', { kind: 'z' }]);
  });

  it('distinguishes case, methods, and a slash at the end', () => {
    expect([found('/X/7'), found('/y'), matchRoute(routes, 'POST', target('/x/me'))]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(found('/y', true)).toEqual(['GET /y/', {}]);
  });
});
