import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAws } from '../../src/imagebuilder/aws.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { KEYS, reply, startRawAws, withAwsEnvironment } from './raw-aws.ts';

const ID = 'lce-01234567-89ab-4cde-8f01-23456789abcd';
const IMAGE = 'arn:aws:imagebuilder:us-east-1:123456789012:image/golden/1.0.0/1';

let aws: Awaited<ReturnType<typeof startRawAws>>;
let restore: () => void;

function gateway() {
  const shared = createAws({ clock: systemClock, random: Math.random });
  const created = shared.gatewayTo({ region: 'us-east-1', endpoint: aws.url }, { timeoutMs: 5000 });
  onTestFinished(() => created.close());
  return created;
}

beforeAll(async () => {
  restore = withAwsEnvironment(KEYS);
  aws = await startRawAws();
});
afterAll(async () => {
  restore();
  await aws.close();
});

describe('listing the resources of an execution', () => {
  it('returns a page and the token of the next page', async () => {
    aws.answers(
      reply(200, {
        lifecycleExecutionId: ID,
        resources: [
          {
            resourceId: 'ami-1',
            action: { name: 'DELETE' },
            state: { status: 'FAILED', reason: 'in use' },
            snapshots: [{ snapshotId: 'snap-1', state: { status: 'SUCCESS' } }],
            startTime: 1788990149.801,
          },
        ],
        nextToken: 'more',
      }),
    );
    const query = { lifecycleExecutionId: ID, parentResourceId: IMAGE, nextToken: 'before' };
    expect(await gateway().listResources(query)).toEqual({
      outcome: 'ok',
      value: { items: [{ resourceId: 'ami-1', action: 'DELETE', status: 'FAILED' }], nextToken: 'more' },
    });
    expect(aws.requests).toMatchObject([{ method: 'POST', url: '/ListLifecycleExecutionResources' }]);
    expect(JSON.parse(aws.requests[0]?.body ?? '')).toEqual({ ...query, maxResults: 25 });
  });

  it('reports members that AWS leaves out as UNKNOWN', async () => {
    aws.answers(reply(200, { resources: [{}, { action: {}, state: {} }] }));
    const unknown = { action: 'UNKNOWN', status: 'UNKNOWN' };
    expect(await gateway().listResources({ lifecycleExecutionId: ID })).toEqual({
      outcome: 'ok',
      value: { items: [unknown, unknown] },
    });
    aws.answers(reply(200, {}));
    expect(await gateway().listResources({ lifecycleExecutionId: ID })).toEqual({
      outcome: 'ok',
      value: { items: [] },
    });
  });

  it.each([
    ['a response of another shape', reply(200, { resources: [{ state: { status: 7 } }] }), 'malformed'],
    ['a refusal', reply(400, { __type: 'InvalidRequestException' }), 'rejected'],
    ['no such execution', reply(404, {}), 'rejected'],
    ['no permission', reply(403, { __type: 'ForbiddenException' }), 'denied'],
    ['a throttle', reply(429, {}), 'throttled'],
  ])('fails on %s', async (_case, answer, outcome) => {
    aws.answers(answer);
    expect(await gateway().listResources({ lifecycleExecutionId: ID })).toMatchObject({ outcome });
  });
});

const ARN = 'arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/nightly';

describe('listing lifecycle policies', () => {
  it('returns a page and the token of the next page', async () => {
    aws.answers(
      reply(200, {
        lifecyclePolicySummaryList: [
          { arn: ARN, name: 'nightly', status: 'ENABLED', dateLastRun: 1788990149.801 },
          { arn: `${ARN}-2` },
        ],
        nextToken: 'more',
      }),
    );
    expect(await gateway().listPolicies({ nextToken: 'before' })).toEqual({
      outcome: 'ok',
      value: { items: [{ arn: ARN, lastRunAt: 1788990149801 }, { arn: `${ARN}-2` }], nextToken: 'more' },
    });
    expect(aws.requests).toMatchObject([{ method: 'POST', url: '/ListLifecyclePolicies' }]);
    expect(JSON.parse(aws.requests[0]?.body ?? '')).toEqual({ nextToken: 'before', maxResults: 25 });
  });

  it('fails as malformed if a policy has no ARN', async () => {
    aws.answers(reply(200, { lifecyclePolicySummaryList: [{ name: 'nightly' }] }));
    expect(await gateway().listPolicies({})).toMatchObject({ outcome: 'malformed' });
    aws.answers(reply(200, {}));
    expect(await gateway().listPolicies({})).toEqual({ outcome: 'ok', value: { items: [] } });
  });
});

describe('listing the executions of a policy', () => {
  it('returns each execution as a poll of it would', async () => {
    const shown = {
      lifecycleExecutionId: ID,
      resourcesImpactedSummary: { hasImpactedResources: true },
      state: { status: 'FAILED', reason: 'in use' },
      startTime: 1788990149.801,
      endTime: 1788990160,
    };
    aws.answers(reply(200, { lifecycleExecutions: [shown], nextToken: 'more' }));
    const result = await gateway().listExecutions({ policyArn: ARN, nextToken: 'before' });
    if (result.outcome !== 'ok') throw new Error(result.message);
    expect(result.value).toMatchObject({
      items: [
        {
          lifecycleExecutionId: ID,
          observation: {
            status: 'FAILED',
            reason: 'in use',
            hasImpactedResources: true,
            lifecyclePolicyArn: ARN,
            startTime: 1788990149801,
            endTime: 1788990160000,
          },
        },
      ],
      nextToken: 'more',
    });
    const { sentTick = NaN, answeredTick = NaN } = result.value.items[0]?.observation ?? {};
    expect(answeredTick).toBeGreaterThan(sentTick);
    const query = { resourceArn: ARN, nextToken: 'before', maxResults: 25 };
    expect(JSON.parse(aws.requests[0]?.body ?? '')).toEqual(query);
  });

  it('leaves out executions without a valid id or a status', async () => {
    const state = { status: 'SUCCESS' };
    const lifecycleExecutions = [
      { state },
      { lifecycleExecutionId: ID },
      { lifecycleExecutionId: 'x', state },
    ];
    aws.answers(reply(200, { lifecycleExecutions }));
    expect(await gateway().listExecutions({ policyArn: ARN })).toEqual({
      outcome: 'ok',
      value: { items: [] },
    });
    aws.answers(reply(200, { lifecycleExecutions: 'none' }));
    expect(await gateway().listExecutions({ policyArn: ARN })).toMatchObject({ outcome: 'malformed' });
  });
});
