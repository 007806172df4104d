import { useEffect, useState, type SubmitEvent, type ReactNode } from 'react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { get, Problem, withParams } from '../api/client';
import { AgentText } from '../parts/agent-text';
import { Mark } from '../parts/mark';
import { T } from '../texts';
import { codeIn, readSession, SESSION_KEY, signInByCode } from './session';

interface SignInWays {
  readonly console?: readonly { readonly issuer: string }[];
}

/** Removes a value of the fragment from the address, so that no history keeps it, and returns it. */
function takeFromAddress(name: string): string | undefined {
  const value = new URLSearchParams(location.hash.slice(1)).get(name);
  if (value === null) return undefined;
  history.replaceState(null, '', location.pathname + location.search);
  return value;
}
// read once, before anything else reads or changes the address
const CODE = takeFromAddress('code');
const ERROR = takeFromAddress('sign_in_error');
let isUsed = false;

/** Uses the one-time link with which the page was opened, if there is one. */
export function useSignInLink(): { isWorking: boolean; problem: string | undefined } {
  const queries = useQueryClient();
  const used = useQuery({
    queryKey: ['sign-in-link'],
    enabled: CODE !== undefined,
    staleTime: Infinity,
    retry: false,
    queryFn: async () => {
      if (isUsed) return null; // a link is for one attempt, however often queries are repeated
      isUsed = true;
      try {
        queries.setQueryData(SESSION_KEY, await signInByCode(CODE ?? ''));
        return null;
      } catch (error) {
        return await messageOf(error);
      }
    },
  });
  const problem = used.data ?? (ERROR === undefined ? undefined : `${T.signIn.failed} ${ERROR}`);
  return { isWorking: CODE !== undefined && used.isPending, problem };
}

async function messageOf(error: unknown): Promise<string> {
  if (!(error instanceof Problem)) return String(error);
  if (error.status === 401) return T.signIn.used;
  if (error.status !== 409) return error.message;
  const session = await readSession();
  return T.signIn.already(session?.who.name ?? session?.who.id ?? '');
}

export function SignIn({ problem }: { problem: string | undefined }): ReactNode {
  useEffect(() => {
    document.title = `${T.signIn.title} · ${T.product}`;
  }, []);
  const ways = useQuery({ queryKey: ['sign-in'], queryFn: () => get<SignInWays>('/v1/sign-in'), staleTime: Infinity });
  const issuers = ways.data?.console ?? [];
  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <h1 className="brand brand-large">
          <Mark />
          {T.product}
        </h1>
        <p className="muted">{T.signIn.lead}</p>
        {problem !== undefined && (
          <p className="notice notice-wait" role="alert">
            <AgentText>{problem}</AgentText>
          </p>
        )}
        {issuers.map(({ issuer }) => (
          <button
            key={issuer}
            type="button"
            className="button button-primary button-wide"
            onClick={() => location.assign(withIssuer(issuer))}
          >
            {T.signIn.withIssuer(hostOf(issuer))}
          </button>
        ))}
        <CodeForm />
      </div>
    </main>
  );
}

const withIssuer = (issuer: string): string =>
  withParams('/v1/session/sign-in', { issuer, return_to: location.pathname + location.search });

function hostOf(issuer: string): string {
  try {
    return new URL(issuer).host;
  } catch {
    return issuer;
  }
}

/** Takes a one-time link, or its code. */
export function CodeForm({ onSignedIn }: { onSignedIn?: () => void }): ReactNode {
  const queries = useQueryClient();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    signInByCode(codeIn(text)).then(
      (session) => {
        queries.setQueryData(SESSION_KEY, session);
        onSignedIn?.();
      },
      async (error: unknown) => setProblem(await messageOf(error)),
    );
  };
  return (
    <form className="code-form" onSubmit={submit}>
      <h2 className="with-icon">
        <KeyRound aria-hidden size={16} /> {T.signIn.linkTitle}
      </h2>
      <p className="muted">{T.signIn.linkHow}</p>
      <pre className="command">{T.signIn.command}</pre>
      <label className="field">
        {T.signIn.paste}
        <input
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      {problem !== undefined && (
        <p className="field-problem" role="alert">
          <AgentText>{problem}</AgentText>
        </p>
      )}
      <button type="submit" className="button button-primary button-wide">
        {T.signIn.submit}
      </button>
    </form>
  );
}
