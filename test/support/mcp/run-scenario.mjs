// The client under test of @modelcontextprotocol/conformance: has the test process run a scenario against a server.
// node run-scenario.mjs CONTROL_URL SERVER_URL
const [control, url] = process.argv.slice(2);
const { MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_CONTEXT: context = '{}' } = process.env;
const body = JSON.stringify({ scenario, url, context: JSON.parse(context) });
const response = await fetch(control, { method: 'POST', body });
console.log(await response.text());
process.exit(response.ok ? 0 : 1);
