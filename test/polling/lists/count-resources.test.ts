import { expect, it } from 'vitest';
import { NEVER } from '../../../src/runtime/abort.ts';
import type { TouchedResource } from '../../../src/domain/execution/resources.ts';
import { countResources } from '../../../src/polling/lists/count-resources.ts';
import type { ListResources } from '../../../src/polling/lists/count-resources.ts';

const image = (number: number): TouchedResource => ({
  resourceId: `arn:aws:imagebuilder:us-east-1:123456789012:image/golden/1.0.${number}/1`,
  action: 'DELETE',
  status: 'SUCCESS',
});
const ami = (status: string): TouchedResource => ({ resourceId: 'ami-1', action: 'DELETE', status });

/** Lists pages by parent; the token is the number of the next page. */
function listOf(pages: Readonly<Record<string, readonly (readonly TouchedResource[])[]>>) {
  const queries: string[] = [];
  const list: ListResources = ({ lifecycleExecutionId, parentResourceId = 'all', nextToken = '0' }) => {
    queries.push(`${lifecycleExecutionId} ${parentResourceId} ${nextToken}`);
    const at = Number(nextToken);
    const items = pages[parentResourceId]?.[at] ?? [];
    const hasMore = (pages[parentResourceId]?.length ?? 0) > at + 1;
    return Promise.resolve({
      outcome: 'ok',
      value: { items, ...(hasMore ? { nextToken: String(at + 1) } : {}) },
    });
  };
  return { list, queries };
}

it('the images and the resources that belong to each are counted over all pages', async () => {
  const { list, queries } = listOf({
    all: [[image(1)], [image(2), { action: 'DELETE', status: 'SKIPPED' }]],
    [image(1).resourceId ?? '']: [[ami('SUCCESS'), ami('FAILED')], [ami('SUCCESS')]],
    [image(2).resourceId ?? '']: [[ami('SUCCESS')]],
  });
  const { summary, isRefused } = await countResources('lce-1', list, NEVER);
  expect(isRefused).toBe(false);
  expect(summary).toEqual({
    counts: [
      { action: 'DELETE', status: 'FAILED', count: 1 },
      { action: 'DELETE', status: 'SKIPPED', count: 1 },
      { action: 'DELETE', status: 'SUCCESS', count: 5 },
    ],
    truncated: false,
  });
  // AMIs, and resources without an ID, are not queried for the resources that belong to them.
  expect(queries).toEqual([
    'lce-1 all 0',
    'lce-1 all 1',
    `lce-1 ${image(1).resourceId} 0`,
    `lce-1 ${image(1).resourceId} 1`,
    `lce-1 ${image(2).resourceId} 0`,
  ]);
});

it('a failed call truncates the summary of resources, which says whether AWS refused the list', async () => {
  const failing = { outcome: 'denied', trouble: 'denied', message: 'no' } as const;
  const { list } = listOf({ all: [[image(1)]] });
  const { summary, isRefused } = await countResources(
    'lce-1',
    (query) => (query.parentResourceId === undefined ? list(query) : Promise.resolve(failing)),
    NEVER,
  );
  expect(isRefused).toBe(true);
  expect(summary).toEqual({ counts: [{ action: 'DELETE', status: 'SUCCESS', count: 1 }], truncated: true });
});

it('an abort truncates the summary of resources; any other error is thrown', async () => {
  const abort = new AbortController();
  const { list } = listOf({ all: [[image(1)]] });
  const failing: ListResources = (query) => {
    if (query.parentResourceId === undefined) return list(query);
    abort.abort();
    return Promise.reject(new Error('aborted'));
  };
  expect((await countResources('lce-1', failing, abort.signal)).summary).toMatchObject({ truncated: true });
  await expect(countResources('lce-1', failing, NEVER)).rejects.toThrow('aborted');
});

it('the resources of an image that is listed twice are counted once', async () => {
  const { list } = listOf({ all: [[image(1)], [image(1)]], [image(1).resourceId ?? '']: [[ami('FAILED')]] });
  const { summary } = await countResources('lce-1', list, NEVER);
  expect(summary.counts.find(({ status }) => status === 'FAILED')).toMatchObject({ count: 1 });
});
