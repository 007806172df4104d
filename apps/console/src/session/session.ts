import { useQuery, useQueryClient } from '@tanstack/react-query';
import { api, Problem, setCsrf } from '../api/client';

/** The signed-in caller. */
export interface Session {
  readonly tenant: string;
  readonly who: { readonly kind: 'person' | 'service'; readonly id: string; readonly name?: string };
  readonly roles: readonly string[];
  readonly csrf: string;
  readonly expiresAt: string;
  readonly idleExpiresAt: string;
}

export const SESSION_KEY = ['session'] as const;

/** Reads the session of the cookie; null if there is none. */
export async function readSession(): Promise<Session | null> {
  try {
    return kept(await api<Session>('GET', '/v1/session', undefined, { quiet: true }));
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

/** Exchanges the code of a one-time link. A browser that is signed in keeps its session (409). @throws Problem */
export async function signInByCode(code: string): Promise<Session> {
  return kept(await api<Session>('POST', '/v1/session', { code }, { quiet: true }));
}

export async function signOut(): Promise<void> {
  await api('DELETE', '/v1/session');
  setCsrf('');
}

function kept(session: Session): Session {
  setCsrf(session.csrf);
  return session;
}

/** The code of a sign-in link: of its fragment, of the whole link, or as typed. */
export const codeIn = (text: string): string => /[#&?]code=([^&\s]+)/.exec(text)?.[1] ?? text.trim();

/**
 * The session of this browser.
 * @param isSigningIn while a link is being used, no session is read: an answer from before the sign-in could arrive after
 * it, and would show the sign-in page to someone who is signed in
 */
export const useSession = (isSigningIn: boolean) =>
  useQuery({ queryKey: SESSION_KEY, queryFn: readSession, staleTime: Infinity, retry: 2, enabled: !isSigningIn });

/** The session of a page that is shown only to signed-in callers. */
export function useCaller(): Session {
  const session = useQueryClient().getQueryData<Session | null>(SESSION_KEY);
  if (!session) throw new Error('no session');
  return session;
}

export const hasOneOf = (session: Session, roles: readonly string[]): boolean =>
  roles.some((role) => session.roles.includes(role));
