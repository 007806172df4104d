/* eslint-disable @typescript-eslint/no-deprecated -- the scenarios need what 2026-07-28 deprecates */
import {
  acceptedContent,
  inputRequired,
  inputResponse,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  type CallToolResult,
  type InputRequiredResult,
  type ServerContext,
} from '@modelcontextprotocol/server';

type Json = Record<string, unknown>;

/** What a tool gets: its arguments, and the request. */
export interface Call {
  readonly args: Json;
  readonly context: ServerContext;
  /** capabilities that the client states in this request (2026-07-28) */
  readonly capabilities: Json;
  readonly progressToken: string | number | undefined;
  readonly changed: { tools(): void; prompts(): void };
  /** seals and opens states of requests in rounds */
  readonly states: { mint(payload: unknown, context: ServerContext): Promise<string> };
}

export interface Tool {
  readonly description: string;
  readonly inputSchema?: Json;
  readonly run: (call: Call) => Promise<CallToolResult | InputRequiredResult> | CallToolResult | InputRequiredResult;
}

/** a red pixel */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
const form = (properties: Json, required: string[] = Object.keys(properties)) =>
  ({ type: 'object', properties, required }) as never;
const STRING = { type: 'string' };

const NAME = inputRequired.elicit({ message: 'What is your name?', requestedSchema: form({ name: STRING }) });
const sampling = (prompt: string, maxTokens = 100) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens });

/** Asks once for each key that has no response, and then answers. */
function ask(
  { context }: Call,
  inputRequests: Record<string, ReturnType<typeof sampling>>,
  done: (responses: Json) => CallToolResult,
): CallToolResult | InputRequiredResult {
  const responses = (context.mcpReq.inputResponses ?? {}) as Json;
  const isAnswered = Object.keys(inputRequests).every((key) => inputResponse(responses, key) !== undefined);
  return isAnswered && Object.keys(inputRequests).every((key) => key in responses)
    ? done(responses)
    : inputRequired({ inputRequests });
}

const ELICITED_DEFAULTS = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
};
const titled = (name: string) =>
  ['First', 'Second', 'Third'].map((title, i) => ({ const: `value${i + 1}`, title: `${title} ${name}` }));
const ELICITED_ENUMS = {
  untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  titledSingle: { type: 'string', oneOf: titled('Option') },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
  titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
};

async function elicited({ context }: Call, message: string, schema: never, prefix: string): Promise<CallToolResult> {
  const { action, content } = await context.mcpReq.elicitInput({ message, requestedSchema: schema });
  return text(`${prefix}action=${action}, content=${JSON.stringify(content ?? {})}`);
}

const JSON_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: STRING, city: STRING } } },
  properties: {
    name: STRING,
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: STRING,
    email: STRING,
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

/** The tools that the scenarios of the MCP conformance suite call, each as its scenario specifies. */
export const TOOLS: Readonly<Record<string, Tool>> = {
  test_simple_text: {
    description: 'Returns a text.',
    run: () => text('This is a simple text response for testing.'),
  },
  test_image_content: {
    description: 'Returns an image.',
    run: () => ({ content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] }),
  },
  test_audio_content: {
    description: 'Returns a sound.',
    run: () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }),
  },
  test_embedded_resource: {
    description: 'Returns a resource.',
    run: () => ({
      content: [
        {
          type: 'resource',
          resource: {
            uri: 'test://embedded-resource',
            mimeType: 'text/plain',
            text: 'This is an embedded resource content.',
          },
        },
      ],
    }),
  },
  test_multiple_content_types: {
    description: 'Returns a text, an image, and a resource.',
    run: () => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        { type: 'image', data: PNG, mimeType: 'image/png' },
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: '{"test":"data","value":123}',
          },
        },
      ],
    }),
  },
  test_tool_with_logging: {
    description: 'Logs three times.',
    run: async ({ context: { mcpReq } }) => {
      for (const message of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await mcpReq.log('info', message);
        await pause();
      }
      return text('done');
    },
  },
  test_logging_tool: {
    description: 'Logs once.',
    run: async ({ context: { mcpReq } }) => {
      await mcpReq.log('info', 'from the tool');
      return text('done');
    },
  },
  test_tool_with_progress: {
    description: 'Reports its progress.',
    run: async ({ context: { mcpReq }, progressToken }) => {
      for (const progress of [0, 50, 100]) {
        const params = { progressToken: progressToken as string, progress, total: 100 };
        if (progressToken !== undefined) await mcpReq.notify({ method: 'notifications/progress', params });
        await pause();
      }
      return text('done');
    },
  },
  test_error_handling: {
    description: 'Fails.',
    run: () => ({ isError: true, ...text('This tool intentionally returns an error for testing') }),
  },
  test_sampling: {
    description: 'Asks a model of the client.',
    inputSchema: form({ prompt: STRING }),
    run: async ({ args, context }) => {
      const { content } = await context.mcpReq.requestSampling({
        messages: [{ role: 'user', content: { type: 'text', text: String(args.prompt) } }],
        maxTokens: 100,
      });
      return text(`LLM response: ${JSON.stringify(content)}`);
    },
  },
  test_elicitation: {
    description: 'Asks the person at the client.',
    inputSchema: form({ message: STRING }),
    run: (call) =>
      elicited(call, String(call.args.message), form({ username: STRING, email: STRING }), 'User response: '),
  },
  test_elicitation_sep1034_defaults: {
    description: 'Asks with defaults.',
    run: (call) => elicited(call, 'Defaults', form(ELICITED_DEFAULTS, []), 'Elicitation completed: '),
  },
  test_elicitation_sep1330_enums: {
    description: 'Asks for choices.',
    run: (call) => elicited(call, 'Choices', form(ELICITED_ENUMS, []), 'Elicitation completed: '),
  },
  json_schema_2020_12_tool: {
    description: 'Tool with JSON Schema 2020-12 features',
    inputSchema: JSON_SCHEMA,
    run: () => text('done'),
  },
  test_header_argument: {
    description: 'Takes an argument that a header repeats.',
    inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
    run: ({ args }) => text(String(args.region)),
  },
  test_missing_capability: {
    description: 'Needs a client with a model.',
    run: ({ capabilities }) => {
      if (capabilities.sampling === undefined)
        throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
      return text('done');
    },
  },
  test_streaming_elicitation: {
    description: 'Reports its progress, and asks.',
    run: async (call) => {
      await call.context.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken: call.progressToken ?? 'none', progress: 1 },
      });
      return ask(call, { user_name: NAME }, () => text('done'));
    },
  },
  test_trigger_tool_change: {
    description: 'Announces other tools.',
    run: ({ changed }) => {
      changed.tools();
      return text('done');
    },
  },
  test_trigger_prompt_change: {
    description: 'Announces other prompts.',
    run: ({ changed }) => {
      changed.prompts();
      return text('done');
    },
  },
  test_input_required_result_elicitation: {
    description: 'Asks for a name.',
    run: (call) => {
      const content = acceptedContent<{ name?: unknown }>(call.context.mcpReq.inputResponses, 'user_name');
      return typeof content?.name === 'string'
        ? text(`Hello, ${content.name}!`)
        : inputRequired({ inputRequests: { user_name: NAME } });
    },
  },
  test_input_required_result_sampling: {
    description: 'Asks a model of the client.',
    run: (call) =>
      ask(call, { capital_question: sampling('What is the capital of France?') }, (answers) =>
        text(JSON.stringify(answers.capital_question)),
      ),
  },
  test_input_required_result_list_roots: {
    description: 'Asks for the roots of the client.',
    run: (call) =>
      ask(call, { client_roots: inputRequired.listRoots() }, (answers) => text(JSON.stringify(answers.client_roots))),
  },
  test_input_required_result_request_state: {
    description: 'Asks, and checks its state.',
    run: async (call) => {
      const { mcpReq } = call.context;
      if (mcpReq.requestState<string>() === 'confirming') return text('state-ok');
      const requestState = await call.states.mint('confirming', call.context);
      const confirm = inputRequired.elicit({
        message: 'Please confirm',
        requestedSchema: form({ ok: { type: 'boolean' } }),
      });
      return inputRequired({ inputRequests: { confirm }, requestState });
    },
  },
  test_input_required_result_tampered_state: {
    description: 'Asks, and checks its state.',
    run: (call) => TOOLS.test_input_required_result_request_state!.run(call),
  },
  test_input_required_result_multiple_inputs: {
    description: 'Asks for three things at once.',
    run: async (call) => {
      if (call.context.mcpReq.requestState<string>() === 'asking') return text('done');
      const requestState = await call.states.mint('asking', call.context);
      const inputRequests = {
        user_name: NAME,
        greeting: sampling('Generate a greeting', 50),
        client_roots: inputRequired.listRoots(),
      };
      return inputRequired({ inputRequests, requestState });
    },
  },
  test_input_required_result_multi_round: {
    description: 'Asks twice.',
    run: async (call) => {
      const step = call.context.mcpReq.requestState<number>() ?? 0;
      if (step === 2) return text('done');
      const question =
        step === 0
          ? inputRequired.elicit({
              message: 'Step 1: What is your name?',
              requestedSchema: form({ name: STRING }),
            })
          : inputRequired.elicit({
              message: 'Step 2: What is your favorite color?',
              requestedSchema: form({ color: STRING }),
            });
      const requestState = await call.states.mint(step + 1, call.context);
      return inputRequired({ inputRequests: { [`step${step + 1}`]: question }, requestState });
    },
  },
  test_input_required_result_capabilities: {
    description: 'Asks what the client can be asked.',
    run: (call) => {
      const inputRequests = {
        ...(call.capabilities.sampling === undefined ? {} : { greeting: sampling('Generate a greeting', 50) }),
        ...(call.capabilities.elicitation === undefined ? {} : { user_name: NAME }),
      };
      if (Object.keys(inputRequests).length === 0) throw new ProtocolError(-32602, 'the client can be asked nothing');
      return ask(call, inputRequests, () => text('done'));
    },
  },
};
