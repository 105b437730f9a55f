import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/commands/demo/verdict.ts';

const seen = (...statuses: string[]) => statuses.map((status) => ({ executionId: 'a', status }));
const event = (sequence: number, type: string, id = String(sequence)) => ({
  id,
  executionId: 'a',
  sequence,
  type: `execution.${type}`,
});

describe('the verdict of the demo', () => {
  it.each([
    ['a run that ended', seen('IN_PROGRESS', 'IN_PROGRESS', 'SUCCESS'), 'SUCCESS', [event(1, 'succeeded')]],
    ['an end that the first poll saw', seen('FAILED'), 'FAILED', [event(1, 'failed')]],
    ['a run that has not ended', seen('IN_PROGRESS', 'IN_PROGRESS'), 'IN_PROGRESS', []],
    ['a run that no poll saw', [], 'PENDING', []],
    ['an unknown status that the first poll saw', seen('ODD'), 'ODD', [event(1, 'unknown_status')]],
    [
      'a run with several changes',
      seen('IN_PROGRESS', 'PENDING', 'IN_PROGRESS', 'CANCELLING'),
      'CANCELLING',
      [event(1, 'pending'), event(2, 'resumed'), event(3, 'cancelling')],
    ],
  ])('accepts %s', (_case, calls, last, arrived) => {
    const verdict = judge(new Map([['a', last]]), calls, arrived);
    expect(verdict).toEqual({ expected: arrived.length, missing: [], unexpected: [] });
  });

  it.each([
    ['an event that did not arrive', seen('IN_PROGRESS', 'SUCCESS'), 'SUCCESS', [], 1, 0],
    ['a missing event for an end that no poll saw', seen('IN_PROGRESS'), 'SUCCESS', [], 1, 0],
    ['an unexpected event', seen('IN_PROGRESS'), 'IN_PROGRESS', [event(1, 'succeeded')], 0, 1],
    [
      'the same event under two ids',
      seen('FAILED'),
      'FAILED',
      [event(1, 'failed'), event(1, 'failed', 'x')],
      0,
      1,
    ],
    ['a gap in the sequence numbers', seen('FAILED'), 'FAILED', [event(2, 'failed')], 1, 1],
  ])('reports %s', (_case, calls, last, arrived, missing, unexpected) => {
    const verdict = judge(new Map([['a', last]]), calls, arrived);
    expect(verdict.missing).toHaveLength(missing);
    expect(verdict.unexpected).toHaveLength(unexpected);
  });
});
