import { randomUUID } from 'node:crypto';
import { ROLE_ARN, sessionArn } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import type { Answer, Caller, Request, Service, ServiceError } from './wire.ts';
import type { Refusal } from './signature.ts';

const VERSION = '2011-06-15';
const NAMESPACE = `https://sts.amazonaws.com/doc/${VERSION}/`;

/** The members of a result: strings, and structures of strings. */
type Result = Readonly<Record<string, string | Readonly<Record<string, string>>>>;
type Operation = (form: URLSearchParams, caller: Caller, credentials: Credentials) => Result | ServiceError;

/** The simulated operations, which return the members of their results. */
const operations = { GetCallerIdentity: getCallerIdentity, AssumeRole: assumeRole } satisfies Record<
  string,
  Operation
>;
export const STS_OPERATIONS = Object.keys(operations);

/** Codes from AWS's "Common error types", in the query protocol's spelling. */
const REFUSALS: Readonly<Record<Refusal, ServiceError>> = {
  unsigned: refused('MissingAuthenticationToken', 'Request is missing Authentication Token'),
  malformed: refused('IncompleteSignature', 'Authorization header is not a valid signature.'),
  'unknown-key': refused('InvalidClientTokenId', 'The security token included in the request is invalid.'),
  'wrong-token': refused('InvalidClientTokenId', 'The security token included in the request is invalid.'),
  expired: refused('ExpiredToken', 'The security token included in the request is expired'),
  'wrong-service': refused('SignatureDoesNotMatch', "Credential should be scoped to correct service: 'sts'."),
};

/**
 * The part of AWS STS with which clients get credentials and find out whose they are. It speaks the query protocol: form in,
 * XML out.
 */
export function createStsService(credentials: Credentials): Service {
  return {
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
    run(name, request, caller) {
      const operation: Operation = operations[name as keyof typeof operations];
      const result = operation(formOf(request), caller, credentials);
      if (isError(result)) {
        const outcome = result.httpStatus === 403 ? 'denied' : 'rejected';
        return { outcome, answer: errorAnswer(result) };
      }
      const metadata = element('ResponseMetadata', element('RequestId', randomUUID()));
      const content = element(`${name}Result`, elements(result)) + metadata;
      return { outcome: 'ok', answer: xml(200, `${name}Response`, content) };
    },
    rewrite: (_name, answer) => answer,
    errorAnswer,
  };
}

/** Reports whether a request uses the query protocol: a form, or the same parameters in a query, as presigned requests have. */
export function isQueryProtocol({ method, path, query, headers }: Request): boolean {
  if (path !== '/') return false;
  if (method === 'GET') return query.has('Action');
  return (
    method === 'POST' && headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  );
}

function formOf({ method, query, body }: Request): URLSearchParams {
  return method === 'GET' ? query : new URLSearchParams(body);
}

function getCallerIdentity(_form: URLSearchParams, { arn, accessKeyId, accountId }: Caller): Result {
  const sessionName = /:assumed-role\/[^/]+\/(.*)$/.exec(arn)?.[1];
  const userId = sessionName === undefined ? accessKeyId : `${ROLE_ID}:${sessionName}`;
  return { Arn: arn, UserId: userId, Account: accountId };
}

/** The unique id of every simulated role. */
const ROLE_ID = 'AROASIMULATEDROLE000';
const LONGEST_SECONDS = 43_200;

/** The formats of AssumeRole's parameters. Source: the STS API reference. */
const PARAMETERS: Readonly<Record<string, RegExp>> = {
  RoleArn: ROLE_ARN,
  RoleSessionName: /^[\w+=,.@-]{2,64}$/,
  ExternalId: /^[\w+=,.@:/-]{2,1224}$/,
  DurationSeconds: /^\d{3,5}$/,
};

function assumeRole(form: URLSearchParams, caller: Caller, credentials: Credentials): Result | ServiceError {
  const given = { DurationSeconds: '3600', ...Object.fromEntries(form) } as Readonly<Record<string, string>>;
  const { RoleArn: roleArn = '', RoleSessionName: name = '', ExternalId: externalId } = given;
  const seconds = Number(given.DurationSeconds);
  const wrong = Object.entries(PARAMETERS).find(
    ([parameter, pattern]) =>
      !(parameter === 'ExternalId' && externalId === undefined) && !pattern.test(given[parameter] ?? ''),
  )?.[0];
  if (wrong !== undefined) return invalid(wrong);
  if (seconds < 900 || seconds > LONGEST_SECONDS) return invalid('DurationSeconds');
  const issued = credentials.assume({ roleArn, name, externalId, askedMs: seconds * 1000 });
  if (issued === undefined) {
    const message = `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
    return refused('AccessDenied', message);
  }
  return {
    Credentials: {
      AccessKeyId: issued.accessKeyId,
      SecretAccessKey: issued.secretAccessKey,
      SessionToken: issued.token,
      Expiration: new Date(issued.expiresAt).toISOString(),
    },
    AssumedRoleUser: { AssumedRoleId: `${ROLE_ID}:${name}`, Arn: sessionArn(issued) },
  };
}

function invalid(parameter: string): ServiceError {
  const message = `1 validation error detected: the value at '${parameter}' is missing or not valid`;
  return { code: 'ValidationError', httpStatus: 400, message };
}

function isError(result: Result | ServiceError): result is ServiceError {
  return typeof result.httpStatus === 'number';
}

function asked(request: Request): { readonly action: string; readonly version: string } {
  const form = formOf(request);
  return { action: form.get('Action') ?? '', version: form.get('Version') ?? '' };
}

function errorAnswer({ code, httpStatus, message }: ServiceError): Answer {
  const type = httpStatus < 500 ? 'Sender' : 'Receiver';
  const error = element('Error', elements({ Type: type, Code: code, Message: message }));
  return xml(httpStatus, 'ErrorResponse', error + element('RequestId', randomUUID()));
}

function xml(httpStatus: number, root: string, content: string): Answer {
  return {
    httpStatus,
    headers: { 'content-type': 'text/xml' },
    body: `<${root} xmlns="${NAMESPACE}">${content}</${root}>\n`,
  };
}

function elements(members: Result): string {
  return Object.entries(members)
    .map(([name, value]) => element(name, typeof value === 'string' ? escaped(value) : elements(value)))
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
