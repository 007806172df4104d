// Stock MCP clients outside of Jest, whose modules cannot import jose: each connects, lists the tools and calls `note_read`.
// node stock-clients.mjs '{ "url", "options", "providers": ["jwt1" | "jwt2" | "dpop2"] }' prints a list of { tools, tokens, jkt? }
import * as two from '@modelcontextprotocol/client';
import { PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const { url, options, providers } = JSON.parse(process.argv[2]);
const info = { name: 'stock', version: '1' };
const PROVIDERS = {
  jwt1: () => new PrivateKeyJwtProvider(options),
  jwt2: () => new two.PrivateKeyJwtProvider(options),
  dpop2: async () => {
    const session = await two.DpopSession.create();
    return Object.assign(new two.ClientCredentialsProvider(options), { dpop: () => session });
  },
};

async function run(name) {
  const authProvider = await PROVIDERS[name]();
  const isFirst = name === 'jwt1';
  const client = isFirst ? new Client(info) : new two.Client(info, { versionNegotiation: { mode: 'auto' } });
  const Transport = isFirst ? StreamableHTTPClientTransport : two.StreamableHTTPClientTransport;
  await client.connect(new Transport(new URL(url), { authProvider }));
  const { tools } = await client.listTools();
  const { isError = false } = await client.callTool({ name: 'note_read', arguments: { id: 'a' } });
  await client.close();
  const jkt = authProvider.dpop?.().thumbprint;
  return { isError, tools: tools.map((tool) => tool.name), tokens: authProvider.tokens(), jkt };
}

const results = [];
for (const name of providers) results.push(await run(name));
console.log(JSON.stringify(results));
