import { expect, it } from 'vitest';
import type { Gateway } from '../../src/imagebuilder/gateway.ts';
import { createMeasuredGateway } from '../../src/imagebuilder/measured-gateway.ts';
import type { MeasuredCall } from '../../src/imagebuilder/measured-gateway.ts';

it('tells of each call, and hands its result and its signal through', async () => {
  let tick = 0;
  const seen: unknown[] = [];
  const gateway: Gateway = {
    getExecution(id, signal) {
      seen.push(id, signal);
      tick += 250;
      return Promise.resolve({ outcome: 'missing', message: 'not there' });
    },
    listResources: () => Promise.resolve({ outcome: 'ok', value: { items: [] } } as const),
    listPolicies: () => Promise.resolve({ outcome: 'ok', value: { items: [] } } as const),
    listExecutions: () => Promise.resolve({ outcome: 'ok', value: { items: [] } } as const),
    getAccountId() {
      tick += 1000;
      return Promise.resolve({ outcome: 'ok', value: '123456789012' });
    },
    close: () => void seen.push('closed'),
  };
  const calls: MeasuredCall[] = [];
  const measured = createMeasuredGateway(
    gateway,
    (call) => calls.push(call),
    () => tick,
  );
  const { signal } = new AbortController();
  expect(await measured.getExecution('lce-1', signal)).toEqual({ outcome: 'missing', message: 'not there' });
  expect(await measured.getAccountId()).toEqual({ outcome: 'ok', value: '123456789012' });
  expect(await measured.listResources({ lifecycleExecutionId: 'lce-1' })).toMatchObject({ outcome: 'ok' });
  expect(await measured.listPolicies({})).toMatchObject({ outcome: 'ok' });
  expect(await measured.listExecutions({ policyArn: 'arn' })).toMatchObject({ outcome: 'ok' });
  measured.close();
  expect(seen).toEqual(['lce-1', signal, 'closed']);
  expect(calls).toEqual([
    { operation: 'GetLifecycleExecution', outcome: 'missing', durationSeconds: 0.25 },
    { operation: 'GetCallerIdentity', outcome: 'ok', durationSeconds: 1 },
    { operation: 'ListLifecycleExecutionResources', outcome: 'ok', durationSeconds: 0 },
    { operation: 'ListLifecyclePolicies', outcome: 'ok', durationSeconds: 0 },
    { operation: 'ListLifecycleExecutions', outcome: 'ok', durationSeconds: 0 },
  ]);
});
