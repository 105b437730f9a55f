import { describe, expect, it } from 'vitest';
import { isSameTarget, keyText, targetText } from '../../../src/domain/execution/execution.ts';
import { TARGET, executionId } from '../../support/executions.ts';

describe('a target', () => {
  it.each([
    ['another account', { ...TARGET, accountId: '210987654321' }, false],
    ['another Region', { ...TARGET, region: 'us-west-2' }, false],
    ['the same under another name', { ...TARGET, name: 'renamed' }, true],
  ])('is told from %s', (_, other, isSame) => {
    expect(isSameTarget(TARGET, other)).toBe(isSame);
    expect(targetText(TARGET) === targetText(other)).toBe(isSame);
    const lifecycleExecutionId = executionId(1);
    expect(keyText({ ...TARGET, lifecycleExecutionId }) === keyText({ ...other, lifecycleExecutionId })).toBe(
      isSame,
    );
  });
});
