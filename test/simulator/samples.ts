import * as sdk from '@aws-sdk/client-imagebuilder';
import type { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import { modelOperation, shapeOf } from '../../src/simulator/model.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { authorization, REGION } from './callers.ts';

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
export const IMAGE_ARN = `arn:aws:imagebuilder:${REGION}:123456789012:image/golden/1.2.3/4`;
export const CONTAINER_IMAGE_ARN = `arn:aws:imagebuilder:${REGION}:123456789012:image/container/1.2.3/4`;
export type Members = Record<string, unknown>;

/** A simulator's inhabitants that show every member of every answer: a failed run of a policy that has run before. */
export function inhabit(simulator: Simulator) {
  const policyArn = simulator.addPolicy({
    name: 'golden-images',
    region: REGION,
    description: 'What is old goes.',
    tags: { team: 'platform' },
    runs: { everyMs: 86_400_000, meanDurationMs: 1000, past: 30, kind: 'succeeds' },
  });
  simulator.addPolicy({ name: 'off', region: REGION, status: 'DISABLED', resourceType: 'CONTAINER_IMAGE' });
  const id = simulator.start({
    region: REGION,
    policyArn,
    timeline: [
      { status: 'IN_PROGRESS', afterMs: 0 },
      { status: 'FAILED', afterMs: 900, reason: 'One or more resource actions failed.' },
    ],
    resources: [{ count: 2 }, { status: 'FAILED', reason: 'The snapshot is in use.', containers: 1 }],
    startedAt: NOW - 1000,
  });
  const running = simulator.start({
    region: REGION,
    policyArn: null,
    imageArn: CONTAINER_IMAGE_ARN,
    timeline: [{ status: 'IN_PROGRESS', afterMs: 0 }],
    resources: [{ count: 30 }],
  });
  return { id, running, policyArn };
}
export type Inhabitants = ReturnType<typeof inhabit>;

/** For each operation, inputs that together have every member of the model and get every member of the answer. */
export const SAMPLES: Record<string, (inhabitants: Inhabitants) => readonly Members[]> = {
  GetLifecycleExecution: ({ id }) => [{ lifecycleExecutionId: id }],
  ListLifecycleExecutions: ({ policyArn }) => [{ resourceArn: policyArn, maxResults: 25 }],
  ListLifecycleExecutionResources: ({ id }) => [
    { lifecycleExecutionId: id, maxResults: 2 },
    {
      lifecycleExecutionId: id,
      parentResourceId: `arn:aws:imagebuilder:${REGION}:123456789012:image/simulated/1.0.2/1`,
    },
  ],
  ListLifecyclePolicies: () => [
    { maxResults: 1 },
    {
      filters: [
        { name: 'name', values: ['golden-images', 'other'] },
        { name: 'status', values: ['ENABLED'] },
      ],
    },
  ],
  CancelLifecycleExecution: ({ running }) => [{ lifecycleExecutionId: running, clientToken: 'cancel-once' }],
  StartResourceStateUpdate: () => [
    {
      resourceArn: IMAGE_ARN,
      state: { status: 'DISABLED' },
      executionRole: 'arn:aws:iam::123456789012:role/lifecycle',
      includeResources: { amis: true, snapshots: true, containers: false },
      exclusionRules: {
        amis: {
          isPublic: false,
          regions: ['eu-west-2'],
          sharedAccounts: ['210987654321'],
          lastLaunched: { value: 30, unit: 'DAYS' },
          tagMap: { keep: 'yes' },
        },
      },
      updateAt: NOW / 1000 + 3600,
      clientToken: 'start-once',
    },
  ],
};

/** Sends members to an operation without the SDK, placed as the model says. */
export function sendRaw(
  url: string,
  name: string,
  members: Members,
  method = modelOperation(name).http.method,
): Promise<Response> {
  const { http, input } = modelOperation(name);
  const query = new URLSearchParams();
  const body: Members = {};
  for (const [member, value] of Object.entries(members)) {
    const place = shapeOf(input.shape).members?.[member];
    if (place?.location === 'querystring') query.set(place.locationName ?? member, String(value));
    else body[place?.locationName ?? member] = value;
  }
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return fetch(`${url}${http.requestUri}?${query.toString()}`, {
    method,
    headers: { authorization: authorization() },
    ...(hasBody ? { body: JSON.stringify(body) } : {}),
  });
}

type Command = Parameters<ImagebuilderClient['send']>[0];

/** The SDK's own command of an operation. Instants become dates, as the SDK takes them. */
export function sdkCommand(name: string, members: Members): Command {
  const constructors = sdk as unknown as Record<string, new (input: Members) => Command>;
  const { updateAt } = members;
  const input = typeof updateAt === 'number' ? { ...members, updateAt: new Date(updateAt * 1000) } : members;
  return new constructors[`${name}Command`]!(input);
}
