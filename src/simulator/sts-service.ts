import { randomUUID } from 'node:crypto';
import type { Answer, Caller, Request, Service, ServiceError } from './wire.ts';
import type { Refusal } from './signature.ts';

const VERSION = '2011-06-15';
const NAMESPACE = `https://sts.amazonaws.com/doc/${VERSION}/`;

type Operation = (caller: Caller) => Readonly<Record<string, string>>;

/** The operations that are simulated, each with the members of its result. */
const operations: Readonly<Record<string, Operation>> = {
  GetCallerIdentity: ({ accessKeyId, accountId }) => ({
    Arn: `arn:aws:iam::${accountId}:user/simulated`,
    UserId: accessKeyId,
    Account: accountId,
  }),
};

/** Codes from AWS's "Common error types", in the query protocol's spelling. */
const REFUSALS: Readonly<Record<Refusal, ServiceError>> = {
  unsigned: refused('MissingAuthenticationToken', 'Request is missing Authentication Token'),
  malformed: refused('IncompleteSignature', 'Authorization header is not a valid signature.'),
  'unknown-key': refused('InvalidClientTokenId', 'The security token included in the request is invalid.'),
  'wrong-service': refused('SignatureDoesNotMatch', "Credential should be scoped to correct service: 'sts'."),
};

/** The part of AWS STS that clients need to learn whose credentials they have. The query protocol: form in, XML out. */
export const stsService: Service = {
  signingName: 'sts',
  isThrottled: false,
  operationOf(request) {
    const { action, version } = asked(request);
    return version === VERSION && Object.hasOwn(operations, action) ? action : undefined;
  },
  unknownOperation(request) {
    const { action, version } = asked(request);
    const message = `Could not find operation ${action} for version ${version}`;
    return { code: 'InvalidAction', httpStatus: 400, message };
  },
  refusal: (refusal) => REFUSALS[refusal],
  throttled: () => ({ code: 'Throttling', httpStatus: 400, message: 'Rate exceeded' }),
  executionIdOf: () => undefined,
  run(name, _request, caller) {
    const operation = operations[name];
    if (operation === undefined) throw new Error(`${name} is not simulated`);
    const result = element(`${name}Result`, elements(operation(caller)));
    const metadata = element('ResponseMetadata', element('RequestId', randomUUID()));
    return { outcome: 'ok', answer: xml(200, `${name}Response`, result + metadata) };
  },
  rewrite: (_name, answer) => answer,
  errorAnswer({ code, httpStatus, message }) {
    const type = httpStatus < 500 ? 'Sender' : 'Receiver';
    const error = element('Error', elements({ Type: type, Code: code, Message: message }));
    return xml(httpStatus, 'ErrorResponse', error + element('RequestId', randomUUID()));
  },
};

/** Whether a request speaks the query protocol. */
export function isQueryProtocol({ method, path, headers }: Request): boolean {
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  return method === 'POST' && path === '/' && isForm;
}

function asked({ body }: Request): { readonly action: string; readonly version: string } {
  const form = new URLSearchParams(body);
  return { action: form.get('Action') ?? '', version: form.get('Version') ?? '' };
}

function xml(httpStatus: number, root: string, content: string): Answer {
  return {
    httpStatus,
    headers: { 'content-type': 'text/xml' },
    body: `<${root} xmlns="${NAMESPACE}">${content}</${root}>\n`,
  };
}

function elements(texts: Readonly<Record<string, string>>): string {
  return Object.entries(texts)
    .map(([name, text]) => element(name, escaped(text)))
    .join('');
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function escaped(text: string): string {
  return text.replace(/[^\w .,:;/()-]/gu, (character) => `&#${character.codePointAt(0)};`);
}

function refused(code: string, message: string): ServiceError {
  return { code, httpStatus: 403, message };
}
