import { useState, type ReactNode } from 'react';
import { AgentText } from '../../parts/agent-text';
import { When } from '../../parts/when';
import { hasOneOf, useCaller } from '../../session/session';
import { applyTheme, storedTheme, THEMES, type Theme } from '../../shell/theme';
import { T } from '../../texts';
import { Webhooks } from './webhooks';

const WEBHOOK_ROLES = ['admin', 'analyst'];

/** The session of this browser, and what the tenant has set up, as far as the roles of the caller open it. */
export function SettingsPage(): ReactNode {
  const session = useCaller();
  return (
    <div className="page">
      <header className="page-head">
        <h1>{T.settings.title}</h1>
        <p className="muted">{T.settings.lead}</p>
      </header>
      <OwnSession />
      {hasOneOf(session, WEBHOOK_ROLES) && <Webhooks />}
    </div>
  );
}

function OwnSession(): ReactNode {
  const { who, tenant, roles, expiresAt } = useCaller();
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const f = T.settings.facts;
  const facts: readonly [string, ReactNode][] = [
    [f.who, <AgentText key="who">{who.name ?? who.id}</AgentText>],
    [f.tenant, tenant],
    [f.roles, T.account.roles(roles)],
    [f.end, <When key="end" at={expiresAt} />],
  ];
  return (
    <section className="panel" aria-labelledby="session">
      <h2 id="session">{T.settings.session}</h2>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <fieldset className="scope">
        <legend>{T.settings.theme}</legend>
        {THEMES.map((each) => (
          <label key={each} className="radio">
            <input
              type="radio"
              name="theme"
              checked={theme === each}
              onChange={() => {
                applyTheme(each);
                setTheme(each);
              }}
            />
            <span>{T.theme[each]}</span>
          </label>
        ))}
      </fieldset>
    </section>
  );
}
